// Runs the corpus: every message is parsed in every slicing and must give the results in its file.
// Corpus.swift reads the files, SlicedReader.swift the messages.

import Testing

@testable import HTTP

/// Each message of the corpus: parsed whole, split at every byte, and byte by byte.
@Suite struct CorpusTests {
    @Test(arguments: ["requests", "responses", "bodies"])
    func hasMessagesOfBothSorts(kind: String) {
        #expect(CorpusCase.all(in: "\(kind)/accepted").count >= 10)
        #expect(CorpusCase.all(in: "\(kind)/refused").count >= 10)
    }

    @Test(arguments: CorpusCase.everything.filter { $0.name.contains("/accepted/") })
    func accepts(_ file: CorpusCase) {
        let outcome = readInEveryWay(file.kind, file.message, limits: file.limits)
        #expect(outcome["end"] == file.expected["end"] ?? "complete")
        for (key, value) in file.expected { #expect(outcome[key] == value, "\(key)") }
    }

    @Test(arguments: CorpusCase.everything.filter { $0.name.contains("/refused/") })
    func refuses(_ file: CorpusCase) {
        let outcome = readInEveryWay(file.kind, file.message, limits: file.limits)
        #expect(file.expected["fault"] != nil, "the file names no fault")
        for (key, value) in file.expected { #expect(outcome[key] == value, "\(key)") }
    }

    @Test func everyFaultHasAMessage() {
        // Those of HTTP/2, which has no messages in text, are in HeaderBlock.swift.
        let faults = Set(CorpusCase.everything.compactMap { $0.expected["fault"] })
            .union(HeadRefusal.all.map(\.fault.rawValue))
            .union(HTTP2ConnectionTests.faults.map(\.rawValue))
        for fault in MessageFault.allCases { #expect(faults.contains(fault.rawValue), "\(fault)") }
    }
}
