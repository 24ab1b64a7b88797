package import ConnectRuntime

/// The settings that hold secrets, or say whom to trust.
package enum HttpSecuritySettings {
    package static let type = Setting<HttpSettings.AuthorizationType>.choice("http.authorization.type", default: HttpSettings.AuthorizationType.none, ignoringCase: true, importance: .high, aliases: ["auth.type"], "How requests show who sends them.")
    package static let header = Setting<Secret?>.password("http.headers.authorization", "The whole Authorization header, where the type is static.")
    package static let user = Setting<String?>.optionalString("auth.user", aliases: ["connection.user"], "The user, where the type is basic.")
    package static let password = Setting<Secret?>.password("auth.password", aliases: ["connection.password"], "The password, where the type is basic.")
    package static let token = Setting<Secret?>.password("auth.token", "The token, where the type is bearer.")
    package static let keyName = Setting<String>.string("auth.apikey.name", default: "X-API-Key", allowEmpty: false, "The header or query parameter with the key, where the type is apikey.")
    package static let key = Setting<Secret?>.password("auth.apikey", "The key, where the type is apikey.")
    package static let keyPlace = Setting<HttpSettings.Place>.choice("auth.apikey.in", default: .header, "Where the key goes.")

    package static let tokenURL = Setting<String?>.optionalString("oauth2.access.token.url", aliases: ["oauth2.token.url"], "Where access tokens come from (grant: client credentials).")
    package static let clientID = Setting<String?>.optionalString("oauth2.client.id", "The client's id.")
    package static let clientSecret = Setting<Secret?>.password("oauth2.client.secret", "The client's secret.")
    package static let clientMode = Setting<HttpSettings.ClientMode>.choice("oauth2.client.authorization.mode", default: .header, ignoringCase: true, aliases: ["oauth2.client.auth.mode"], "Whether id and secret go in a header (basic) or in the form.")
    package static let scope = Setting<String?>.optionalString("oauth2.client.scope", "The scope to ask for.")
    package static let tokenProperty = Setting<String>.string("oauth2.response.token.property", default: "access_token", allowEmpty: false, importance: .low, aliases: ["oauth2.token.property"], "The member of the answer that holds the token.")

    package static let authorities = Setting<String?>.optionalString("tls.ca", aliases: ["https.ssl.truststore.location", "https.ssl.truststore.certificates"], "Whom to trust: a PEM file or PEM text; without it, the system's authorities.")
    package static let certificate = Setting<String?>.optionalString("tls.certificate", aliases: ["https.ssl.keystore.location", "https.ssl.keystore.certificate.chain"], "The client's certificate: a PEM file or PEM text.")
    package static let certificateKey = Setting<Secret?>.password("tls.key", aliases: ["https.ssl.keystore.key"], "Its private key: a PEM file or PEM text; without it, looked for in tls.certificate.")
    package static let keyPassword = Setting<Secret?>.password("tls.key.password", aliases: ["https.ssl.key.password"], "The private key's password.")
    package static let pin = Setting<String?>.optionalString("tls.pin", importance: .low, "The public key the server must have: sha256//<Base64>.")
    package static let trustAll = Setting<Bool>.boolean("http.ssl.trust.all.certs", default: false, importance: .low, "Trusts any certificate. Only for tests.")
    package static let verifiesName = Setting<Bool>.boolean("https.host.verifier.enabled", default: true, importance: .low, "Whether the server's certificate must be for the name in the URL.")
    package static let storeType = Setting<String>.string("https.ssl.truststore.type", default: "PEM", importance: .low, "Only PEM can be read.")
    package static let keyStoreType = Setting<String>.string("https.ssl.keystore.type", default: "PEM", importance: .low, "Only PEM can be read.")

    package static let signature = Setting<HttpSettings.SignatureKind>.choice("signature", default: HttpSettings.SignatureKind.none, "Signs each request: hmac-sha256 over the body, or as Standard Webhooks says.")
    package static let signatureSecret = Setting<Secret?>.password("signature.secret", "What the signature is made with (whsec_… for Standard Webhooks).")
    package static let signatureHeader = Setting<String>.string("signature.header", default: "X-Hub-Signature-256", allowEmpty: false, importance: .low, "The header of an hmac-sha256 signature: sha256=<hex>.")
}

extension HttpSettings {
    package static let definition = ConfigDefinition()
        .group("Connection", url, method, version, http2, redirects, timeout, timeoutMilliseconds, connectTimeout, allowedHosts, allowLocal, disallowLocal, proxy, proxyHost, proxyPort, proxyUser, proxyPassword)
        .group("Request", contentType, additionalHeaders, headers, headerSeparator, recordHeaders, body, bodyTemplate, templateEncoding, bodyFormat, nullBehavior, deleteMethod, compression, idempotencyHeader)
        .group("Authorization", HttpSecuritySettings.type, HttpSecuritySettings.header, HttpSecuritySettings.user, HttpSecuritySettings.password, HttpSecuritySettings.token, HttpSecuritySettings.keyName, HttpSecuritySettings.key, HttpSecuritySettings.keyPlace, HttpSecuritySettings.tokenURL, HttpSecuritySettings.clientID, HttpSecuritySettings.clientSecret, HttpSecuritySettings.clientMode, HttpSecuritySettings.scope, HttpSecuritySettings.tokenProperty, HttpSecuritySettings.signature, HttpSecuritySettings.signatureSecret, HttpSecuritySettings.signatureHeader)
        .group("TLS", HttpSecuritySettings.authorities, HttpSecuritySettings.certificate, HttpSecuritySettings.certificateKey, HttpSecuritySettings.keyPassword, HttpSecuritySettings.pin, HttpSecuritySettings.trustAll, HttpSecuritySettings.verifiesName, HttpSecuritySettings.storeType, HttpSecuritySettings.keyStoreType)
        .group("Batching", batching, batchRecords, batchBytes, linger, batchFormat, batchField, batchBy, batchPrefix, batchSuffix, batchSeparator, batchArray, batchKeyField, repeatsKeys, bisect, responseItems, successPath)
        .group("Delivery", lanes, orderBy, retries, retryAge, backoff, longestBackoff, retryOn, successOn, dropOn, errorBehavior, permanent, rate, breakerFailures, breakerPause, responseTopic, errorTopic)

    /// Aiven's sink: its defaults, and bodies as it writes them.
    package static let aiven = definition.defaulting([
        "max.retries": "1", "retry.backoff.ms": "3000", "batch.idempotency.field": "", "batch.format": "template", "batch.repeated.keys": "true",
    ])

    /// Confluent's sink: its defaults, and bodies as it writes them.
    package static let confluent = definition.defaulting([
        "batching.enabled": "true", "batch.max.size": "1", "batch.separator": ",", "batch.suffix": "", "batch.format": "template",
        "batch.idempotency.field": "", "batch.repeated.keys": "true", "max.retries": "10", "retry.backoff.ms": "3000", "behavior.on.error": "fail",
    ])
}
