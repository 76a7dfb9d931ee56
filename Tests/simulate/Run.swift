// The rounds of one run, shared out among threads, and what is known at its end.

import Basics
import ExchangeSimulation
import Glibc
import Proxy
import Reactor
import Synchronization

final class Run: Sendable {
    private let wanted: Int
    /// Workers that are threads of their own; 0 for rounds of one thread each.
    private let workerThreads: Int
    private let folder: String
    private let nextSeed: Atomic<UInt64>
    private let state = Lock(State())

    private struct State {
        var exchanges = 0
        var rounds = 0
        var faults: [String] = []
        /// That of a round with faults.
        var configuration = ""
        var terminations: [String: Int] = [:]
        var transitions = TransitionCoverage.ofStreams
        var roundsByWorkers: [Int: Int] = [:]
        var trace: UInt64 = 0
        /// The fewest pages of memory in use at the end of a round, in each fifth of the run. How many there are varies with what the rounds
        /// under way have drawn; what is never freed raises the fewest.
        var fewestPages = [Int?](repeating: nil, count: 5)
    }

    /// - Parameter workerThreads: how many workers of a round really run at once; 0 for as many as its seed says, by turns.
    init(wanted: Int, firstSeed: UInt64, workerThreads: Int = 0) {
        self.wanted = wanted
        self.workerThreads = workerThreads
        nextSeed = Atomic(firstSeed)
        var template = Array("/tmp/simulate-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil, "no folder in /tmp")
        folder = template.dropLast().map { String(UnicodeScalar(UInt8(bitPattern: $0))) }.joined()
        unsafe mkdir(folder + "/site", 0o755)
        let page = unsafe open(folder + "/site/page.html", O_WRONLY | O_CREAT, 0o644)
        let text = [UInt8](repeating: 0x70, count: 30_000)
        precondition(unsafe write(page, text, text.count) == text.count, "no file in \(folder)")
        close(page)
    }

    /// Plays, prints what came of it, and says whether all was well.
    func play() -> Bool {
        CrashReport.install()
        let descriptors = Self.openDescriptors()
        let begin = Instant.now()
        let roundsAtOnce = workerThreads > 0 ? 1 : min(Thread.processorCount, CrashReport.threadsMax, wanted)
        let threads = (0..<roundsAtOnce).map { number in
            Thread(name: "round-\(number)") { self.playRounds(thread: number) }
        }
        for thread in threads { thread.join() }
        let left = Self.openDescriptors() - descriptors
        for path in ["/site/page.html", "/site", "/site.pem", ""] { unsafe remove(folder + path) }
        return report(seconds: Instant.now().since(begin), descriptorsLeft: left)
    }

    private func playRounds(thread: Int) {
        while state.withLock({ $0.exchanges < wanted && $0.faults.isEmpty }) {
            let seed = nextSeed.wrappingAdd(1, ordering: .relaxed).oldValue
            CrashReport.note(seed, thread: thread)
            let outcome =
                workerThreads > 0
                ? ThreadedRound.play(seed: seed, workers: workerThreads, requests: 1_000, folder: folder)
                : Round.play(seed: seed, requests: 2_000, folder: folder)
            state.withLock { state in
                state.rounds += 1
                state.exchanges += outcome.exchanges
                state.faults += outcome.faults
                if !outcome.faults.isEmpty { state.configuration = outcome.configuration }
                state.transitions.add(outcome.transitions)
                state.roundsByWorkers[outcome.workers, default: 0] += 1
                state.trace = outcome.trace
                for (letters, count) in outcome.terminations { state.terminations[letters, default: 0] += count }
                let fifth = min(state.exchanges * 5 / wanted, 4)
                state.fewestPages[fifth] = min(state.fewestPages[fifth] ?? .max, Self.pages())
            }
        }
    }

    private func report(seconds: TimeSpan, descriptorsLeft: Int) -> Bool {
        let state = state.withLock { $0 }
        var faults = state.faults
        if descriptorsLeft != 0 { faults.append("\(descriptorsLeft) descriptors of this process are left open") }
        if let early = state.fewestPages[1], let late = state.fewestPages[4] {
            let growth = (late - early) * 4 / 1_024
            print("Memory: \(early * 4 / 1_024) MiB at least in the second fifth, \(late * 4 / 1_024) MiB in the last")
            if growth > 32 { faults.append("memory has grown by \(growth) MiB") }
        }
        let ends = state.terminations.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
        let rate = Int(clamping: UInt64(state.exchanges) * 1_000 / max(1, seconds.wholeMilliseconds))
        print(
            "\(state.exchanges) exchanges in \(state.rounds) rounds, \(seconds.wholeMilliseconds / 1_000) s: \(rate) a second"
        )
        let rounds = state.roundsByWorkers.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }
        print("Workers: rounds \(rounds.joined(separator: ", "))")
        if state.rounds == 1 && state.trace != 0 { print("Fingerprint: \(String(state.trace, radix: 16))") }
        print("How they ended: \(ends.joined(separator: ", "))")
        for line in state.transitions.report() { print(line) }
        for pair in state.transitions.contradicted {
            faults.append("\(state.transitions.name(of: pair)) is called impossible and was met")
        }
        if !faults.isEmpty { print(state.configuration) }
        for fault in faults.prefix(20) { print("FAULT \(fault)") }
        return faults.isEmpty
    }

    private static func openDescriptors() -> Int {
        var count = 0
        for number in 0..<Int32(4_096) where fcntl(number, F_GETFD) >= 0 { count += 1 }
        return count
    }

    private static func pages() -> Int {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard unsafe fgets(&text, 128, file) != nil else { return 0 }
        let words = text.split(separator: 0x20)
        return words.count > 1 ? words[1].reduce(0) { $0 * 10 + Int($1 & 15) } : 0
    }
}

/// Says which seeds were at play when a trap ends the process: a release build says nothing else.
enum CrashReport {
    static let threadsMax = 64
    private static let seeds: [Seed] = (0..<threadsMax).map { _ in Seed() }

    private final class Seed: Sendable { let value = Atomic<UInt64>(0) }

    static func note(_ seed: UInt64, thread: Int) { seeds[thread].value.store(seed, ordering: .relaxed) }

    static func install() {
        // Made now, so that the handler allocates as little as it can.
        _ = seeds
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT] {
            signal(number) { number in
                signal(number, SIG_DFL)
                let underWay = CrashReport.seeds.map { $0.value.load(ordering: .relaxed) }.filter { $0 != 0 }
                let text = Array("FAULT a trap in the round of one of the seeds \(underWay)\n".utf8)
                _ = unsafe write(2, text, text.count)
                raise(number)
            }
        }
    }
}
