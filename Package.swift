// swift-tools-version:6.2
// The rooms of Portico, lowest first. A room sees only the rooms listed in its dependencies;
// the build checks that (`--explicit-target-dependency-import-check error` in the Makefile).

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// `make tsan` sets PTHREAD_LOCKS: locks that ThreadSanitizer can follow (Sources/Basics/Lock.swift), and the race that it has to find.
let isForThreadSanitizer = Context.environment["PTHREAD_LOCKS"] != nil

func room(_ name: String, uses rooms: [String], packages: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: rooms.map { .target(name: $0) } + packages, path: "Sources/\(name)",
        swiftSettings: swiftSettings)
}

func tests(of name: String, uses rooms: [String], packages: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: rooms.map { .target(name: $0) } + packages,
        path: "Tests/\(name)Tests", exclude: corpora[name] ?? [], swiftSettings: swiftSettings)
}

/// Folders of test data, read from disk by the tests beside them.
let corpora: [String: [String]] = ["Balancing": ["Corpus"], "HTTP": ["Corpus"], "Scenario": ["Peers"]]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "portico",
    products: [.executable(name: "portico", targets: ["portico"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .target(name: "CLinux", path: "Sources/CLinux"),
        .target(name: "CAres", path: "Sources/CAres"),
        .target(name: "CPCRE2", path: "Sources/CPCRE2"),
        .target(name: "CCrypt", path: "Sources/CCrypt"),
        .target(name: "COpenSSL", path: "Sources/COpenSSL"),
        .target(name: "CXXHash", path: "Sources/CXXHash"),
        .target(name: "CNGHTTP2", path: "Sources/CNGHTTP2"),
        .target(
            name: "Basics", dependencies: ["CLinux"], path: "Sources/Basics",
            swiftSettings: swiftSettings + (isForThreadSanitizer ? [.define("PTHREAD_LOCKS")] : [])),

        room("HTTP", uses: ["Basics", "CNGHTTP2"]),
        room("ProxyProtocol", uses: ["Basics"]),
        room("Configuration", uses: ["Basics"]),
        room("Reactor", uses: ["Basics", "CLinux"], packages: [system, heap]),
        room("TLS", uses: ["Basics", "Configuration", "Reactor", "COpenSSL", "CXXHash"], packages: [system]),
        room("Transport", uses: ["Basics", "Reactor", "TLS"], packages: [system]),

        room("Resolvers", uses: ["Basics", "Configuration", "Reactor", "CAres"]),
        room("Logging", uses: ["Basics", "Configuration", "Reactor", "Transport", "CLinux"], packages: [system]),
        room("Patterns", uses: ["Basics", "Configuration", "CPCRE2"]),

        room(
            "Expressions",
            uses: [
                "Basics", "HTTP", "ProxyProtocol", "Configuration", "Patterns", "TLS", "CCrypt", "COpenSSL", "CXXHash",
            ]),
        room("LogFormat", uses: ["Basics", "HTTP", "Configuration", "Patterns", "TLS", "Expressions"]),

        room(
            "Balancing",
            uses: [
                "Basics", "HTTP", "ProxyProtocol", "Configuration", "Reactor", "TLS", "Logging", "Patterns",
                "Expressions",
                "LogFormat", "CXXHash",
            ], packages: [system, heap]),
        room("Rules", uses: ["Basics", "HTTP", "Configuration", "Patterns", "Expressions", "LogFormat", "Balancing"]),
        room("StaticFiles", uses: ["Basics", "HTTP", "Configuration", "CLinux"]),

        room("Admin", uses: ["Basics", "HTTP", "Configuration", "TLS", "Balancing"]),

        room(
            "Proxy",
            uses: [
                "Basics", "HTTP", "ProxyProtocol", "Configuration", "Resolvers", "Reactor", "TLS", "Transport",
                "Logging",
                "Patterns", "Expressions", "LogFormat", "Rules",
                "Balancing", "StaticFiles", "Admin",
            ], packages: [system]),

        room(
            "Control",
            uses: [
                "Basics", "HTTP", "ProxyProtocol", "Configuration", "Reactor", "TLS", "Transport", "Resolvers",
                "Logging", "Expressions",
                "Balancing", "Admin", "Proxy",
            ], packages: [system]),

        .executableTarget(
            name: "portico",
            dependencies: [
                "CLinux", "Basics", "HTTP", "Configuration", "Reactor", "TLS", "Resolvers", "Logging", "Patterns",
                "Expressions", "LogFormat", "Rules", "Balancing",
                "StaticFiles", "Admin", "Proxy", "Control", arguments, system,
            ],
            path: "Sources/portico", resources: [.embedInCode("demo.cfg")], swiftSettings: swiftSettings),

        // Chance that a seed repeats, for tests only.
        .target(name: "Chance", path: "Tests/Chance", swiftSettings: swiftSettings),

        // A nameserver that says what a test wants, for tests only.
        .target(
            name: "ScriptedNameserver", dependencies: ["Basics"], path: "Tests/ScriptedNameserver",
            swiftSettings: swiftSettings),

        // Sections out of lines and exchanges out of messages, for the tests of the rooms around rules.
        .target(
            name: "RuleTesting",
            dependencies: ["Basics", "HTTP", "Configuration", "Patterns", "Expressions", "LogFormat", "Rules"],
            path: "Tests/RuleTesting", swiftSettings: swiftSettings),

        // Backends and plans made from lines, for tests only.
        .target(
            name: "BalancingTesting", dependencies: ["Basics", "HTTP", "Configuration", "Balancing"],
            path: "Tests/BalancingTesting", swiftSettings: swiftSettings),
        .target(
            name: "SiteTesting",
            dependencies: [
                "Basics", "Configuration", "Resolvers", "TLS", "Logging", "Rules", "Balancing", "Admin", "Proxy",
            ], path: "Tests/SiteTesting", swiftSettings: swiftSettings),

        // Certificates made on the spot, for tests only.
        .target(
            name: "TLSTesting", dependencies: ["COpenSSL"], path: "Tests/TLSTesting", swiftSettings: swiftSettings),

        // A kernel made of a seed, for tests only.
        .target(
            name: "KernelSimulation", dependencies: ["Chance", "Basics", "Reactor", system, heap],
            path: "Tests/KernelSimulation", swiftSettings: swiftSettings),

        // Peers of every kind around one worker, for tests and for `make simulate`.
        .target(
            name: "ExchangeSimulation",
            dependencies: [
                "KernelSimulation", "Chance", "TLS", "TLSTesting", "Basics", "HTTP", "ProxyProtocol", "Configuration",
                "Resolvers", "Reactor",
                "Logging",
                "Patterns", "Expressions", "LogFormat", "Rules", "Balancing", "StaticFiles", "Admin", "Proxy",
                "Control",
            ], path: "Tests/ExchangeSimulation", swiftSettings: swiftSettings),
        .executableTarget(
            name: "simulate", dependencies: ["ExchangeSimulation", "Basics", "Reactor", "Proxy"],
            path: "Tests/simulate",
            swiftSettings: swiftSettings),

        // The balancing algorithms on played servers; `make balancing` draws docs/balancing.md from it.
        .executableTarget(
            name: "balance", dependencies: ["Balancing", "Basics", "HTTP", "Configuration", "Chance", heap],
            path: "benchmarks/balancing", swiftSettings: swiftSettings),

        // What is done to arbitrary bytes; `make fuzz` builds a fuzzer around it.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Basics", "HTTP", "ProxyProtocol", "Configuration", "Reactor", "TLS", "Resolvers", "Logging",
                "Patterns", "Expressions",
                "LogFormat", "Rules", "Balancing",
                "StaticFiles", "Admin", "Proxy", "KernelSimulation", "TLSTesting",
            ], path: "Tests/FuzzTargets", exclude: ["Corpus"], swiftSettings: swiftSettings),

        tests(of: "Basics", uses: ["Basics", "Chance"]),
        tests(of: "HTTP", uses: ["HTTP", "Basics", "Chance"]),
        tests(of: "ProxyProtocol", uses: ["ProxyProtocol", "Basics", "Chance"]),
        tests(of: "Configuration", uses: ["Configuration", "Basics", "Chance"]),
        tests(of: "Reactor", uses: ["Reactor", "Basics", "KernelSimulation", "Chance"], packages: [system]),
        tests(
            of: "TLS",
            uses: [
                "TLS", "TLSTesting", "COpenSSL", "Basics", "Configuration", "Reactor", "KernelSimulation", "Chance",
            ],
            packages: [system]),
        tests(
            of: "Transport", uses: ["Transport", "TLS", "TLSTesting", "Basics", "Reactor", "KernelSimulation"],
            packages: [system]),
        tests(of: "Resolvers", uses: ["Resolvers", "Basics", "Configuration", "Reactor", "ScriptedNameserver"]),
        tests(
            of: "Logging",
            uses: ["Logging", "Basics", "Configuration", "Reactor", "KernelSimulation", "Chance"]),
        tests(
            of: "Patterns",
            uses: [
                "RuleTesting", "Rules", "LogFormat", "Expressions", "Patterns", "HTTP", "ProxyProtocol", "Basics",
                "Configuration", "Chance",
            ]),
        tests(
            of: "Expressions",
            uses: [
                "RuleTesting", "Rules", "LogFormat", "Expressions", "Patterns", "HTTP", "ProxyProtocol", "Basics",
                "Configuration", "Reactor", "TLS", "Chance",
            ]),
        tests(
            of: "LogFormat",
            uses: [
                "RuleTesting", "Rules", "LogFormat", "Expressions", "Patterns", "HTTP", "ProxyProtocol", "Basics",
                "Configuration", "Chance",
            ]),
        tests(
            of: "Rules",
            uses: [
                "RuleTesting", "Rules", "LogFormat", "Expressions", "Patterns", "HTTP", "ProxyProtocol", "Basics",
                "Configuration", "Chance",
            ]),
        tests(
            of: "Balancing",
            uses: [
                "BalancingTesting", "Balancing", "HTTP", "ProxyProtocol", "Basics", "Configuration", "Reactor", "TLS",
                "KernelSimulation", "Chance",
            ]),
        tests(
            of: "Control",
            uses: [
                "SiteTesting", "BalancingTesting", "Control", "Proxy", "Admin", "Balancing", "Logging", "Resolvers",
                "Rules", "Configuration", "Reactor", "TLS", "TLSTesting", "Transport", "HTTP", "Basics",
                "KernelSimulation", "Chance",
            ]),
        tests(of: "StaticFiles", uses: ["StaticFiles", "HTTP", "Basics", "Configuration", "Chance"]),
        tests(of: "Admin", uses: ["Admin", "Balancing", "Basics", "Configuration", "HTTP", "TLS", "Chance"]),
        tests(
            of: "Proxy",
            uses: [
                "Proxy", "Basics", "HTTP", "ProxyProtocol", "Configuration", "Resolvers", "Reactor", "Logging",
                "Patterns", "Expressions", "LogFormat", "Rules",
                "Balancing", "Admin", "SiteTesting", "KernelSimulation", "ExchangeSimulation", "Chance",
            ]),
        // The language as a whole, with the program's own list of tables.
        tests(
            of: "Language",
            uses: [
                "portico", "Basics", "Configuration", "Resolvers", "Logging", "Patterns", "Expressions", "LogFormat",
                "Rules", "Balancing", "StaticFiles",
                "Admin", "Proxy", "Control",
            ]),
        tests(of: "Scenario", uses: ["ScriptedNameserver"]),
        tests(of: "Fuzz", uses: ["FuzzTargets"]),
    ]
)

// libFuzzer brings its own `main`: only `make fuzz` can link this.
if Context.environment["FUZZ_TARGET"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/fuzz",
            swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"])]))
}

if isForThreadSanitizer {
    package.targets.append(
        .executableTarget(
            name: "plantedrace", dependencies: ["Basics", "Reactor"], path: "Tests/plantedrace",
            swiftSettings: swiftSettings))
}
