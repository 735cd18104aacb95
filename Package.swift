// swift-tools-version: 6.3
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A library module and the modules directly below it: the list is the whole layering rule.
func module(_ name: String, over below: Target.Dependency...) -> Target {
    .target(name: name, dependencies: below, swiftSettings: strict)
}

/// The tests of `name`; they may also use the modules named and the shared test support.
func tests(_ name: String, over below: Target.Dependency...) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.byName(name: name), "TestSupport"] + (name == "Basics" ? [] : ["Basics"]) + below,
        swiftSettings: strict)
}

/// A Debian library, seen through its module map; one Swift target each may import it.
func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

let package = Package(
    name: "gmiseg",
    products: [.executable(name: "gmiseg", targets: ["gmiseg"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // 0. C: each seen by exactly one Swift target
        system("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev"),
        system("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
        system("CJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev"),
        system("CDNNL", apt: "libdnnl-dev"),
        system("CTLS", pkgConfig: "libssl", apt: "libssl-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        .target(name: "CPosix"),
        .target(name: "CImaging", dependencies: ["CPNG"], linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CKernels"),
        // 1. Words that every target shares
        module("Basics"),
        // 2. Each knows one outside thing
        module("Cryptography", over: "COpenSSL", "Basics"),
        module("Compression", over: "CZlib"),
        module("TLS", over: "CTLS", "Basics"),
        module("Posix", over: "CPosix", "Basics"),
        module("HTTP", over: httpTypes, "Basics"),
        module("Imaging", over: "CImaging", "CJPEG", "Basics"),
        module("Tensor", over: "CKernels", "CDNNL", "Compression", "Basics"),
        module("Storage", over: grdb, "Basics"),
        // 3. The two halves of the product, blind to each other
        module("Server", over: "HTTP", "Posix", "TLS", httpTypes, "Basics"),
        module("SegmentAnything", over: "Tensor", "Imaging", "Cryptography", "Basics"),
        module("Metrics", over: "Imaging", "Basics"),
        module("Adaptation", over: "SegmentAnything", "Metrics", "Tensor", "Imaging", "Cryptography", "Basics"),
        module("Jobs", over: "Storage", logging, "Basics"),
        // The instrument: any model, any adapter, any labelled images
        module(
            "Evaluation", over: "SegmentAnything", "Adaptation", "Metrics", "Imaging", "Tensor", "Cryptography",
            "Basics"),
        // The service as others see it: what the command line and the tests speak to a server with
        module("Client", over: "TLS", "Basics"),
        // 4. The only place where HTTP meets the model
        module(
            "API", over: "Server", "HTTP", "Posix", "SegmentAnything", "Adaptation", "Metrics", "Jobs", "Storage",
            "Imaging", "Tensor", "Cryptography", "Compression", httpTypes, logging, "Basics"),
        // 5. Reads the command line, wires, starts
        .executableTarget(
            name: "gmiseg",
            dependencies: [
                "API", "Client", "Evaluation", "Server", "HTTP", "Posix", "TLS", "SegmentAnything", "Adaptation",
                "Metrics", "Storage", "Imaging", "Tensor", "Cryptography", "Basics", argumentParser, logging,
            ],
            swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["Basics"], path: "Tests/TestSupport", swiftSettings: strict),
        tests("Basics"),
        tests("Cryptography"),
        tests("Compression"),
        tests("TLS"),
        tests("Posix"),
        tests("HTTP", over: httpTypes),
        tests("Imaging"),
        tests("Tensor"),
        tests("Storage", over: grdb),
        tests("Server", over: "HTTP", "Posix", "TLS", "Client", httpTypes),
        tests("SegmentAnything", over: "Tensor", "Imaging", "Cryptography"),
        tests("Adaptation", over: "SegmentAnything", "Tensor", "Imaging", "Metrics"),
        tests("Metrics", over: "Imaging"),
        tests("Evaluation", over: "SegmentAnything", "Adaptation", "Imaging"),
        tests("Jobs", over: "Storage"),
        tests(
            "API", over: "Client", "Server", "HTTP", "Posix", "SegmentAnything", "Adaptation", "Metrics", "Jobs",
            "Storage",
            "Imaging", "Tensor", "Cryptography", httpTypes, logging),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["API", "Client", "TestSupport", "Basics", "Imaging", "SegmentAnything", "Tensor"],
            swiftSettings: strict),
    ]
)

// Only `make fuzz` builds this: the parsers alone, instrumented beside libFuzzer. Of the API it takes the JSON, and no model with it.
if Context.environment["GMISEG_FUZZING"] != nil {
    let parsers: Set = ["CPNG", "CJPEG", "CImaging", "Basics", "HTTP", "Imaging"]
    package.products = []
    package.targets =
        package.targets.filter { parsers.contains($0.name) } + [
            .target(
                name: "API", path: "Sources/API/JSON",
                sources: ["JSON.swift", "JSON+Encoding.swift", "JSONParser.swift"], swiftSettings: strict),
            .executableTarget(
                name: "gmiseg-fuzz", dependencies: ["API", "HTTP", "Imaging", httpTypes], path: "Tests/Fuzzing",
                exclude: ["corpus"], swiftSettings: strict),
        ]
}

// Only `make check-deep` sets this: what threads share and what bytes from strangers reach, without the model's half, which takes half
// an hour to build in this way.
if Context.environment["GMISEG_DEEP"] != nil {
    let tested = ["Basics", "Compression", "TLS", "Posix", "HTTP", "Imaging", "Storage", "Server", "Jobs"]
    let deep = Set(tested + tested.map { "\($0)Tests" })
        .union(["CPNG", "CJPEG", "CTLS", "CZlib", "CPosix", "CImaging", "Client", "TestSupport"])
    package.products = []
    package.targets = package.targets.filter { deep.contains($0.name) }
}
