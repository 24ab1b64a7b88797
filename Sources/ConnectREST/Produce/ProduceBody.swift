import ConnectRuntime

/// The body of a produce call as the Confluent REST proxy (v2) takes it: `{"records": [{"key", "value", "partition"}]}`.
struct ProduceBody {
    struct Item {
        let partition: Int32?
        let key: [UInt8]?
        let value: [UInt8]?
    }

    enum Format: String, CaseIterable {
        case json = "application/vnd.kafka.json.v2+json"
        case binary = "application/vnd.kafka.binary.v2+json"

        init?(contentType: String?) {
            guard let contentType else { return nil }
            let essence = String(contentType.prefix { $0 != ";" }).trimmedASCII.lowercased()
            guard let known = Format.allCases.first(where: { equalBytes($0.rawValue, essence) }) else { return nil }
            self = known
        }
    }

    let items: [Item]

    /// - Throws: ``ProduceRefusal`` that names the record and what is wrong with it.
    init(_ bytes: [UInt8], _ format: Format) throws {
        let document: JSON
        do throws(JSONError) { document = try JSON.parse(bytes, duplicateNames: .lastWins) } catch {
            throw ProduceRefusal(400, 400, "The request body is no JSON: \(error)")
        }
        guard let records = document["records"]?.elements, !records.isEmpty else {
            throw ProduceRefusal(422, 422, "The field \"records\" must be a list with at least one record")
        }
        items = try records.enumerated().map { index, record in
            guard case .object = record else { throw ProduceRefusal(422, 422, "Record \(index) is no object") }
            var partition: Int32?
            switch record["partition"] {
            case nil, .null?: break
            case let number?:
                guard let value = number.int64.flatMap({ Int32(exactly: $0) }), value >= 0 else { throw ProduceRefusal(422, 422, "The partition of record \(index) is no number from 0 on") }
                partition = value
            }
            return Item(
                partition: partition, key: try Self.bytes(record["key"], format, "key", index), value: try Self.bytes(record["value"], format, "value", index))
        }
    }

    private static func bytes(_ json: JSON?, _ format: Format, _ what: String, _ index: Int) throws -> [UInt8]? {
        switch (json, format) {
        case (nil, _), (.null?, _): return nil
        case (let json?, .json): return json.serialized()
        case (.string(let text)?, .binary):
            if let bytes = Base64.decode(text) { return bytes }
            throw ProduceRefusal(422, 422, "The \(what) of record \(index) is no Base64")
        case (_?, .binary): throw ProduceRefusal(422, 422, "The \(what) of record \(index) must be a text in Base64")
        }
    }
}

/// Why a produce call is refused: the HTTP status, the REST proxy's own code, a sentence.
struct ProduceRefusal: Error {
    let status: Int
    let code: Int
    let message: String
    var challenges: [String] = []
    init(_ status: Int, _ code: Int, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }
}
