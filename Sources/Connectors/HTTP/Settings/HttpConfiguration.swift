package import ConnectRuntime
package import Curl

/// A configuration of the HTTP sink, checked across settings: everything a task needs, nothing left to parse.
package struct HttpConfiguration: Sendable {
    package let url: URLTemplate
    package let method: String
    package let deleteMethod: String
    package let nullBehavior: HttpSettings.NullBehavior
    package let orderBy: HttpSettings.OrderBy
    /// Lines that every request has.
    package let fixedHeaders: [String]
    package let headers: [HeaderTemplate]
    package let recordHeaders: [Name]
    package let contentType: String
    package let item: ItemBody
    /// `nil`: one request per record.
    package let batch: BatchFormat?
    package let responseItems: [Name]
    package let idempotencyHeader: String?
    package let authorization: Authorization
    package let signature: RequestSignature?
    package let compression: HttpSettings.Compression
    package let statuses: StatusRules
    package let refusal: Refusal
    /// A member that an answer must have to mean delivered.
    package let successPath: [Name]?
    package let batchBy: HttpSettings.BatchBy
    package let responseTopic: Name?
    package let errorTopic: Name?
    package let delivery: DeliveryPolicy
    package let curl: CurlOptions
    /// What must not be shown where an answer repeats it.
    package let redaction: Redaction

    /// What happens to a record that will never be taken.
    package enum Refusal: Sendable {
        /// As `errors.tolerance` says.
        case isReported
        case isPassedOver
        /// The task ends, whatever `errors.tolerance` says.
        case fails
    }

    /// - Throws: ``ConnectError`` `.configuration` with the first problem.
    package init(_ config: Config) throws {
        var problems: [ConfigProblem] = []
        guard let made = HttpConfigurationReader(config).read(&problems) else {
            let problem = problems.first { !$0.isWarning }
            throw ConnectError(.configuration, code: problem?.code ?? "config.invalid", "\(problem.map { "\($0.setting): \($0.message)" } ?? "the configuration cannot be used")", suggestion: problem?.suggestion)
        }
        self = made
    }

    package static func problems(_ config: Config) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        _ = HttpConfigurationReader(config).read(&problems)
        return problems
    }

    init(
        url: URLTemplate, method: String, deleteMethod: String, nullBehavior: HttpSettings.NullBehavior, orderBy: HttpSettings.OrderBy,
        fixedHeaders: [String], headers: [HeaderTemplate], recordHeaders: [Name], contentType: String, item: ItemBody, batch: BatchFormat?,
        responseItems: [Name], idempotencyHeader: String?, authorization: Authorization, signature: RequestSignature?,
        compression: HttpSettings.Compression, statuses: StatusRules, refusal: Refusal, successPath: [Name]?, batchBy: HttpSettings.BatchBy, responseTopic: Name?, errorTopic: Name?,
        delivery: DeliveryPolicy, curl: CurlOptions, redaction: Redaction
    ) {
        self.url = url
        self.method = method
        self.deleteMethod = deleteMethod
        self.nullBehavior = nullBehavior
        self.orderBy = orderBy
        self.fixedHeaders = fixedHeaders
        self.headers = headers
        self.recordHeaders = recordHeaders
        self.contentType = contentType
        self.item = item
        self.batch = batch
        self.responseItems = responseItems
        self.idempotencyHeader = idempotencyHeader
        self.authorization = authorization
        self.signature = signature
        self.compression = compression
        self.statuses = statuses
        self.refusal = refusal
        self.successPath = successPath
        self.batchBy = batchBy
        self.responseTopic = responseTopic
        self.errorTopic = errorTopic
        self.delivery = delivery
        self.curl = curl
        self.redaction = redaction
    }
}
