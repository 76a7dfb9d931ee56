// Runs the inputs that the fuzzer has kept through their targets once. A trap ends the run: the last name printed
// is that of the input.

import Foundation
import FuzzTargets
import Testing

@Suite struct FuzzCorpusTests {
    @Test(arguments: FuzzTarget.allCases)
    func nothingThatAFuzzerKeptTraps(target: FuzzTarget) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "FuzzTargets/Corpus/\(target.rawValue)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count >= 10)
        for name in names.sorted() {
            target.run(Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }
}
