// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who builds connectd builds its benchmarks.
let package = Package(
    name: "Benchmarks",
    dependencies: [.package(name: "connectd", path: "..")],
    targets: [
        // The floors: what plain C needs for the same bytes and rows on the same disk.
        .target(name: "CFloors", linkerSettings: [.linkedLibrary("sqlite3"), .linkedLibrary("curl"), .linkedLibrary("pq")]),
        .executableTarget(
            name: "bench",
            dependencies: [
                "CFloors",
                .product(name: "ConnectRuntime", package: "connectd"),
                .product(name: "ConnectStandalone", package: "connectd"),
                .product(name: "ConnectTesting", package: "connectd"),
                .product(name: "PostgresTesting", package: "connectd"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"), .treatAllWarnings(as: .error),
            ]),
    ]
)
