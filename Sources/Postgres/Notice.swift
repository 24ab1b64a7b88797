internal import CPostgres

/// A message that is no error: NOTICE, WARNING, INFO.
public struct Notice: Sendable, Hashable {
    public let severity: String
    public let sqlState: String?
    public let message: String
}

/// Where libpq's callback leaves notices. Touched only on the connection's thread.
final class NoticeBox {
    private var notices: [Notice] = []
    static let maximum = 64

    func add(_ notice: Notice) {
        if notices.count == NoticeBox.maximum { notices.removeFirst() }
        notices.append(notice)
    }

    func take() -> [Notice] {
        defer { notices = [] }
        return notices
    }
}

/// libpq calls it on the connection's thread, inside one of its functions.
func receiveNotice(_ argument: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
    guard let argument, let result else { return }
    func field(_ code: UInt8) -> String? { connectd_pq_field(result, CChar(code)).map { String(cString: $0) } }
    Unmanaged<NoticeBox>.fromOpaque(argument).takeUnretainedValue().add(
        Notice(severity: field(UInt8(ascii: "V")) ?? "NOTICE", sqlState: field(UInt8(ascii: "C")), message: field(UInt8(ascii: "M")) ?? ""))
}
