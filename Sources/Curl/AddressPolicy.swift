/// Which addresses a connection may go to, decided on the address that a name resolved to, not on the name.
public enum AddressPolicy: Sendable, Hashable {
    case any
    /// Neither this machine (loopback, unspecified) nor link-local ones, nor others where clouds keep their credentials; an allowed host is checked by name before.
    case publicOnly

    /// - Parameter address: 4 or 16 bytes in network order.
    public func allows(_ address: [UInt8]) -> Bool {
        switch self {
        case .any: true
        case .publicOnly: !AddressPolicy.isLocal(address)
        }
    }

    static func isLocal(_ address: [UInt8]) -> Bool {
        if address.count == 4 {
            // This network, loopback, link-local, and broadcast.
            return address[0] == 0 || address[0] == 127 || (address[0] == 169 && address[1] == 254) || address.allSatisfy { $0 == 255 } || AddressPolicy.metadata.contains(address)
        }
        guard address.count == 16 else { return true }
        let head = address[0..<12]
        if head.dropLast(2).allSatisfy({ $0 == 0 }), address[10] == address[11], address[10] == 0 || address[10] == 0xFF {
            // IPv4-compatible and IPv4-mapped addresses; :: and ::1 are among them.
            return isLocal(Array(address[12...]))
        }
        // NAT64 (64:ff9b::/96) and 6to4 (2002::/16) carry an IPv4 address inside.
        if Array(head) == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] { return isLocal(Array(address[12...])) }
        if address[0] == 0x20, address[1] == 0x02 { return isLocal(Array(address[2...5])) }
        // fe80::/10.
        if address[0] == 0xFE, address[1] & 0xC0 == 0x80 { return true }
        return AddressPolicy.metadata.contains(address)
    }

    /// Where clouds keep credentials though it is not link-local: Alibaba's, Amazon's (fd00:ec2::254) and Google's (fd20:ce::254).
    private static let metadata: Set<[UInt8]> = [
        [100, 100, 100, 200], [0xFD, 0, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], [0xFD, 0x20, 0, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
    ]
}
