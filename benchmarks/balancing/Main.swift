// `balance [seed]`: plays the same requests with each balancing algorithm on the same unequal servers, one of which stalls for two
// seconds, and prints what clients waited: a line for each algorithm, and one for each quarter of a second with it. The algorithms are
// Portico's own; clock, clients and servers are played. `benchmarks/balancing.py` draws the page docs/balancing.md from this.

import Balancing
import Basics
import Chance

@main
struct Main {
    /// Names for the page, and the lines of the section.
    static let contenders: [(name: String, lines: [String])] = [
        ("roundrobin", ["balance roundrobin"]),
        ("roundrobin, right weights", ["balance roundrobin", "weights"]),
        ("random(1)", ["balance random(1)"]),
        ("random", ["balance random"]),
        ("leastconn", ["balance leastconn"]),
        ("ewma", ["balance ewma"]),
        ("uri, consistent", ["balance uri", "hash-type consistent"]),
        ("uri, balance factor 125", ["balance uri", "hash-type consistent", "hash-balance-factor 125"]),
    ]

    static func main() throws {
        let seed = CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) } ?? 1
        let load = Load(seed: seed)
        print("servers", Farm.servers.map { "\($0.milliseconds)" }.joined(separator: " "))
        print("requests", load.requests.count, "stall", Farm.stall.lowerBound, Farm.stall.upperBound)
        for contender in contenders {
            let play = try Play(contender.lines, load)
            play.run()
            let report = Report(play.latencies, play.requests)
            print(
                "algorithm", contender.name, "|", report.median, report.late, report.later, report.latest,
                play.longestBacklog, play.sentWhileStalled, separator: " ")
            for (second, worst) in report.timeline { print("at", second, worst) }
        }
    }
}

/// What clients waited, in milliseconds.
struct Report {
    let median: Double, late: Double, later: Double, latest: Double
    /// The 99th percentile of the requests that began in each quarter of a second.
    let timeline: [(second: Double, worst: Double)]

    init(_ latencies: [Double], _ requests: [Request]) {
        let sorted = latencies.sorted()
        func percentile(_ share: Double) -> Double {
            sorted.isEmpty ? 0 : rounded(1_000 * sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))])
        }
        (median, late, later, latest) = (percentile(0.5), percentile(0.99), percentile(0.999), percentile(1))
        var slots: [Int: [Double]] = [:]
        for (request, latency) in zip(requests, latencies) { slots[Int(request.at * 4), default: []].append(latency) }
        timeline = slots.keys.sorted().map { slot in
            let values = slots[slot, default: []].sorted()
            let worst = values[min(values.count - 1, values.count * 99 / 100)]
            return (Double(slot) / 4, rounded(1_000 * worst))
        }
    }
}

/// To a hundredth.
func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
