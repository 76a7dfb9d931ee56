// What a metric is: one row with its name, meaning, tags and value. The tables are in StatMetrics.swift and
// InfoMetrics.swift; CSV, JSON, the typed text and the help are all printed from them.

internal import Basics

/// One metric of a `Subject`: a row of a table that documents itself.
struct Metric<Subject>: Sendable {
    /// As in HAProxy.
    let name: StaticString
    /// One sentence for people.
    let help: StaticString
    let tags: MetricTags
    /// Its value, or nothing where the subject has no such thing.
    let value: @Sendable (Subject) -> MetricValue

    init(
        _ name: StaticString, _ tags: MetricTags, _ help: StaticString,
        _ value: @escaping @Sendable (Subject) -> MetricValue
    ) {
        self.name = name
        self.tags = tags
        self.help = help
        self.value = value
    }
}

/// A value with the type that HAProxy's typed outputs name.
enum MetricValue {
    case none
    case u32(Int)
    case s32(Int)
    case u64(UInt64)
    case text(String)

    var isNone: Bool {
        if case .none = self { return true }
        return false
    }

    /// HAProxy's name of the type.
    var typeName: StaticString {
        switch self {
        case .none: ""
        case .u32: "u32"
        case .s32: "s32"
        case .u64: "u64"
        case .text: "str"
        }
    }
}

/// Where a value comes from, what it is and what it is about: HAProxy's three letters (management guide, "show info").
struct MetricTags: Sendable {
    enum Origin: Sendable { case metric, status, key, config, product }
    enum Nature: Sendable { case age, average, counter, duration, gauge, limit, maximum, name, output, rate }
    enum Scope: Sendable { case process, service }

    let origin: Origin
    let nature: Nature
    let scope: Scope

    static let gauge = MetricTags(.metric, .gauge)
    static let maximum = MetricTags(.metric, .maximum)
    static let counter = MetricTags(.metric, .counter)
    static let rate = MetricTags(.metric, .rate)
    static let average = MetricTags(.metric, .average)
    static let age = MetricTags(.metric, .age)
    static let duration = MetricTags(.metric, .duration)
    static let output = MetricTags(.metric, .output)
    static let status = MetricTags(.status, .gauge)
    static let limit = MetricTags(.config, .limit)
    static let setting = MetricTags(.config, .gauge, .service)
    static let settingName = MetricTags(.config, .name, .service)
    static let settingText = MetricTags(.config, .output, .service)
    static let keyName = MetricTags(.key, .name, .service)
    static let keyNumber = MetricTags(.key, .gauge, .service)
    static let processKey = MetricTags(.key, .gauge)
    static let product = MetricTags(.product, .output, .service)

    init(_ origin: Origin, _ nature: Nature, _ scope: Scope = .process) {
        self.origin = origin
        self.nature = nature
        self.scope = scope
    }
}

extension MetricTags.Origin {
    var letter: StaticString {
        switch self {
        case .metric: "M"
        case .status: "S"
        case .key: "K"
        case .config: "C"
        case .product: "P"
        }
    }

    var name: StaticString {
        switch self {
        case .metric: "Metric"
        case .status: "Status"
        case .key: "Key"
        case .config: "Config"
        case .product: "Product"
        }
    }
}

extension MetricTags.Nature {
    var letter: StaticString {
        switch self {
        case .age: "A"
        case .average: "a"
        case .counter: "C"
        case .duration: "D"
        case .gauge: "G"
        case .limit: "L"
        case .maximum: "M"
        case .name: "N"
        case .output: "O"
        case .rate: "R"
        }
    }

    var name: StaticString {
        switch self {
        case .age: "Age"
        case .average: "Avg"
        case .counter: "Counter"
        case .duration: "Duration"
        case .gauge: "Gauge"
        case .limit: "Limit"
        case .maximum: "Max"
        case .name: "Name"
        case .output: "Output"
        case .rate: "Rate"
        }
    }
}

extension MetricTags.Scope {
    var letter: StaticString {
        switch self {
        case .process: "P"
        case .service: "S"
        }
    }

    var name: StaticString {
        switch self {
        case .process: "Process"
        case .service: "Service"
        }
    }
}
