import CCurl
import Glibc

/// Where an answer gathers: what the C callbacks get through their user-data pointer.
final class Receiver {
    /// In one piece: every access to an object's variable is checked at run time.
    struct Answer {
        var body: [UInt8] = []
        var isBodyCut = false
        var limit = 0
    }
    var answer = Answer()
    let addresses: AddressPolicy
    var refusedAddress = false

    init(limit: Int, addresses: AddressPolicy) {
        answer.limit = limit
        self.addresses = addresses
    }

    func begin() {
        answer.begin()
        if refusedAddress { refusedAddress = false }
    }

    func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        guard addresses.allows(Receiver.bytes(of: address)) else {
            refusedAddress = true
            return connectd_curl_socket_bad()
        }
        return socket(address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
    }

    private static func bytes(of address: UnsafeMutablePointer<curl_sockaddr>) -> [UInt8] {
        withUnsafeMutablePointer(to: &address.pointee.addr) { pointer in
            let raw = UnsafeRawPointer(pointer)
            switch address.pointee.family {
            case AF_INET: return withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
            case AF_INET6: return Array(UnsafeRawBufferPointer(start: raw + 8, count: 16))
            default: return []
            }
        }
    }
}

extension Receiver.Answer {
    mutating func begin() {
        body.removeAll(keepingCapacity: true)
        isBodyCut = false
    }

    mutating func take(body bytes: UnsafeRawBufferPointer) {
        let room = limit - body.count
        if bytes.count > room { isBodyCut = true }
        if room > 0 { body.append(contentsOf: bytes.prefix(room)) }
    }
}

func receiveBody(_ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ userData: UnsafeMutableRawPointer?) -> Int {
    guard let data, let userData else { return 0 }
    Unmanaged<Receiver>.fromOpaque(userData).takeUnretainedValue().answer.take(body: UnsafeRawBufferPointer(start: data, count: size * count))
    return size * count
}

func openSocket(_ userData: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
    guard let userData, let address else { return connectd_curl_socket_bad() }
    return Unmanaged<Receiver>.fromOpaque(userData).takeUnretainedValue().open(address)
}
