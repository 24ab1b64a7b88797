// swift-tools-version: 6.2
import PackageDescription

/// One array for every Swift target, so that no room is laxer than the others.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "connectd",
    products: [
        .executable(name: "connectd", targets: ["connectd"]),
        .library(name: "ConnectRuntime", targets: ["ConnectRuntime"]),
        .library(name: "ConnectTesting", targets: ["ConnectTesting"]),
        // The engine and the connectors that a standalone worker is made of, for programs that embed one.
        .library(name: "ConnectStandalone", targets: ["Connectors", "EmbeddedLog", "SQLite"]),
        // Real PostgreSQL servers in temporary folders, for tests and benchmarks.
        .library(name: "PostgresTesting", targets: ["Postgres", "PostgresTesting"]),
    ],
    targets: [
        // Doors to C: module maps and typed inline wrappers, nothing else.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCompression", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CRegex", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),

        // The house: data, contracts, transforms, converters, worker, herder. No sockets, no C client library.
        .target(name: "ConnectRuntime", dependencies: ["CLinux", "CRegex"], swiftSettings: strict),
        // Scripted connectors, conformance suites, the manual clock: for our tests and for authors of connectors.
        .target(name: "ConnectTesting", dependencies: ["CLinux", "ConnectRuntime"], swiftSettings: strict),

        // Engines and doors.
        // Requests over HTTP, for sinks and for the command line: handles as owned types, nothing of records.
        .target(name: "Curl", dependencies: ["CCurl"], swiftSettings: strict),
        // Digests and signatures.
        .target(name: "Crypto", dependencies: ["CCrypto"], swiftSettings: strict),
        .target(name: "Compression", dependencies: ["CCompression"], swiftSettings: strict),
        .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: strict),
        .target(name: "Postgres", dependencies: ["CPostgres"], swiftSettings: strict),
        .target(name: "EmbeddedLog", dependencies: ["CLinux", "ConnectRuntime", "SQLite"], swiftSettings: strict),
        .target(name: "ConnectREST", dependencies: ["ConnectRuntime", "CMicrohttpd", "Crypto"], swiftSettings: strict),
        .target(name: "Connectors", dependencies: ["CLinux", "Compression", "ConnectRuntime", "Crypto", "Curl", "Postgres", "SQLite"], swiftSettings: strict),

        .executableTarget(
            name: "connectd",
            dependencies: ["CLinux", "ConnectRuntime", "ConnectREST", "Connectors", "Curl", "EmbeddedLog", "Postgres", "SQLite"],
            swiftSettings: strict),

        // Tests mirror the sources; ConnectdTests drive the built program from outside (processes, kill -9, REST, the command line).
        .testTarget(
            name: "ConnectRuntimeTests", dependencies: ["ConnectRuntime", "ConnectTesting", "EmbeddedLog"], exclude: ["Golden"], swiftSettings: strict),
        .testTarget(name: "EmbeddedLogTests", dependencies: ["ConnectRuntime", "ConnectTesting", "EmbeddedLog", "SQLite"], swiftSettings: strict),
        // Starts and stops real PostgreSQL servers for the suites that need one.
        .target(name: "PostgresTesting", dependencies: ["ConnectTesting", "Postgres"], path: "Tests/PostgresTesting", swiftSettings: strict),
        .testTarget(name: "PostgresTests", dependencies: ["ConnectTesting", "CPostgres", "Postgres", "PostgresTesting"], swiftSettings: strict),
        .testTarget(name: "ConnectorsTests", dependencies: ["ConnectRuntime", "ConnectTesting", "Connectors", "EmbeddedLog", "Postgres", "PostgresTesting", "SQLite"], swiftSettings: strict),
        // A real nginx and certificates for it.
        .target(name: "HttpTesting", dependencies: ["ConnectTesting"], path: "Tests/HttpTesting", swiftSettings: strict),
        .testTarget(
            name: "HttpSinkTests", dependencies: ["ConnectRuntime", "ConnectTesting", "Connectors", "Crypto", "Curl", "EmbeddedLog", "HttpTesting"], swiftSettings: strict),
        .testTarget(name: "CryptoTests", dependencies: ["Crypto"], swiftSettings: strict),
        .testTarget(name: "CurlTests", dependencies: ["ConnectTesting", "Curl"], swiftSettings: strict),
        .testTarget(
            name: "ConnectRESTTests", dependencies: ["ConnectRuntime", "ConnectTesting", "ConnectREST", "EmbeddedLog"], exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ConnectdTests",
            dependencies: ["CLinux", "connectd", "ConnectREST", "ConnectRuntime", "ConnectTesting", "Curl", "EmbeddedLog", "HttpTesting", "Postgres", "PostgresTesting", "SQLite"],
            swiftSettings: strict),
    ]
)
