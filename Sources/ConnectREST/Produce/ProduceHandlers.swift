import ConnectRuntime

/// `POST /topics/{topic}`, as the Confluent REST proxy (v2) answers it.
extension RestAPI {
    private static let answerType = "application/vnd.kafka.v2+json"

    func produce(_ topic: Name, _ request: Request) -> Response {
        // A door that is shut is not there.
        guard let produceDoor else { return .refusal(404) }
        do {
            guard request.method == .post else { throw ProduceRefusal(405, 405, "HTTP 405 Method Not Allowed") }
            try produceDoor.authorize(request.headers["Authorization"])
            guard let format = ProduceBody.Format(contentType: request.headers["Content-Type"]) else {
                throw ProduceRefusal(415, 415, "HTTP 415 Unsupported Media Type: send \(ProduceBody.Format.allCases.map(\.rawValue).joined(separator: " or "))")
            }
            let places = try produceDoor.append(ProduceBody(request.body, format), to: topic)
            return Self.answer(
                200,
                .object([
                    JSON.Member("key_schema_id", .null), JSON.Member("value_schema_id", .null),
                    JSON.Member(
                        "offsets",
                        .array(
                            places.map { place in
                                .object([
                                    JSON.Member("partition", .integer(Int64(place.partition))), JSON.Member("offset", .integer(place.offset)),
                                    JSON.Member("error_code", .null), JSON.Member("error", .null),
                                ])
                            })),
                ]))
        } catch let refusal as ProduceRefusal {
            var response = Self.answer(refusal.status, Self.body(refusal.code, refusal.message))
            for challenge in refusal.challenges { response.headers.add("WWW-Authenticate", challenge) }
            return response
        } catch {
            return Self.answer(500, Self.body(500, ConnectError(error).message))
        }
    }

    private static func body(_ code: Int, _ message: String) -> JSON {
        .object([JSON.Member("error_code", .integer(Int64(code))), JSON.Member("message", .string(message))])
    }

    private static func answer(_ status: Int, _ document: JSON) -> Response {
        Response(status, headers: Headers(["Content-Type": answerType]), body: document.serialized())
    }
}
