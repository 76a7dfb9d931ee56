// Rounds of the large simulation (Tests/ExchangeSimulation) that are small enough for a debug build, in which overlapping
// accesses trap as well. `make simulate` runs a million exchanges.

import ExchangeSimulation
import Foundation
import Testing

@Suite struct ExchangeSimulationTests {
    @Test("Exchanges under every misfortune end once, whole or cut off, and leave nothing behind", arguments: 0..<4)
    func roundsWithEveryMisfortune(lot: Int) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rounds-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "site"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(repeating: 0x70, count: 30_000).write(to: folder.appending(path: "site/page.html"))
        for seed in 1...10 {
            let outcome = Round.play(seed: UInt64(lot * 1_000_000 + seed), requests: 250, folder: folder.path)
            #expect(outcome.faults.isEmpty, "make simulate plays one seed with: .build/release/simulate 1 SEED")
        }
    }
}
