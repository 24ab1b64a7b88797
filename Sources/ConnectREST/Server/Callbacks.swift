internal import CMicrohttpd
import ConnectRuntime
import Synchronization

/// The functions that libmicrohttpd calls on its thread. They must not block; objects travel in its user-data pointers.

/// Makes the request's object, with the target as it stood in the request line; what is returned comes back as the request's pointer.
func noteTarget(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    let exchange = Exchange(rawTarget: target.map { String(cString: $0) } ?? "")
    return Unmanaged.passRetained(exchange).toOpaque()
}

/// Releases the request's object, once, however the request ended.
func requestCompleted(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ how: MHD_RequestTerminationCode
) {
    guard let pointer = request?.pointee else { return }
    request?.pointee = nil
    Unmanaged<Exchange>.fromOpaque(pointer).release()
}

/// Leaves percent-encoding alone: the target is taken apart by us, from its raw text.
func leaveEscaped(_ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ text: UnsafeMutablePointer<CChar>?) -> Int {
    var length = 0
    if let text { while text[length] != 0 { length += 1 } }
    return length
}

/// Called for the head of a request, for every piece of its body, for its end, and again once its answer is there.
func handleRequest(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?, _ method: UnsafePointer<CChar>?,
    _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?, _ count: UnsafeMutablePointer<Int>?,
    _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let count, let pointer = request?.pointee else { return .NO }
    let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    let exchange = Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue()

    enum Step { case goOn, dispatch, send(Response), close }
    let step: Step = exchange.state.withLock { state in
        switch state.phase {
        case .new:
            state.method = method.map { String(cString: $0) } ?? ""
            state.headers = requestHeaders(connection)
            state.phase = .receiving
            if let text = state.headers["Content-Length"], let length = UInt64(text.trimmedASCII), length > UInt64(core.limits.bodyBytes) {
                state.phase = .queued
                return .send(tooLarge(core.limits))
            }
            return .goOn
        case .receiving, .tooLarge:
            if count.pointee > 0 {
                // A body without a length is seen to its end, so that the client reads the answer, but not kept.
                if state.phase == .receiving, state.body.count + count.pointee <= core.limits.bodyBytes, let data {
                    state.body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: count.pointee))
                } else {
                    state.phase = .tooLarge
                    state.body = []
                }
                count.pointee = 0
                return .goOn
            }
            if state.phase == .tooLarge {
                state.phase = .queued
                return .send(tooLarge(core.limits))
            }
            state.phase = .running
            return .dispatch
        case .answered:
            state.phase = .queued
            guard let response = state.response else { return .close }
            state.response = nil
            return .send(response)
        case .running: return .goOn
        case .queued: return .close
        }
    }
    switch step {
    case .goOn: return .YES
    case .close: return .NO
    case .send(let response): return send(response, connection)
    case .dispatch:
        MHD_suspend_connection(connection)
        core.dispatch(exchange, connection)
        return .YES
    }
}

private func tooLarge(_ limits: ServerLimits) -> Response {
    .error(413, "The request body is larger than \(limits.bodyBytes) bytes")
}

private func send(_ response: Response, _ connection: OpaquePointer) -> MHD_Result {
    let made = response.body.withUnsafeBytes { connectd_mhd_response($0.baseAddress, $0.count) }
    guard let made else { return .NO }
    defer { MHD_destroy_response(made) }
    for field in response.headers.fields { _ = MHD_add_response_header(made, field.name, field.value) }
    return MHD_queue_response(connection, UInt32(response.status), made)
}

private func requestHeaders(_ connection: OpaquePointer) -> Headers {
    var headers = Headers()
    withUnsafeMutablePointer(to: &headers) { pointer in
        _ = MHD_get_connection_values(connection, .HEADER_KIND, collectHeader, pointer)
    }
    return headers
}

private func collectHeader(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> MHD_Result {
    guard let context, let name else { return .YES }
    context.assumingMemoryBound(to: Headers.self).pointee.add(String(cString: name), value.map { String(cString: $0) } ?? "")
    return .YES
}
