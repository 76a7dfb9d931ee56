// Unnamed files: data can be read back, the directory stays empty, and no descriptor is left open.

import Basics
import Foundation
import Glibc
import Testing

@testable import Reactor

@Suite(.serialized) struct TemporaryFileTests {
    private let directory = NSTemporaryDirectory()

    private func read(_ file: TemporaryFile, at offset: Int, limit: Int) throws -> String {
        let pool = BufferPool(blockBytes: 64)
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        defer { buffer.release(to: pool) }
        let count = try file.read(into: &buffer, at: offset, limit: limit).get()
        #expect(count == buffer.count)
        return buffer.readable.text
    }

    private func write(_ text: String, to file: TemporaryFile, at offset: Int) -> Bool {
        unsafe file.write(Array(text.utf8).span.bytes, at: offset) == nil
    }

    @Test func whatWasWrittenIsReadBackAtAnyPlace() throws {
        let file = try TemporaryFile.make(in: directory).get()
        #expect(write("hello ", to: file, at: 0))
        #expect(write("world", to: file, at: 6))

        #expect(try read(file, at: 0, limit: 100) == "hello world")
        #expect(try read(file, at: 3, limit: 5) == "lo wo")
        #expect(try read(file, at: 11, limit: 5) == "")
    }

    @Test func anEmptiedFileBeginsAnew() throws {
        let file = try TemporaryFile.make(in: directory).get()
        #expect(write("hello", to: file, at: 0))
        file.empty()
        #expect(try read(file, at: 0, limit: 5) == "")
    }

    @Test func theDirectoryStaysEmptyAndTheDescriptorIsClosed() throws {
        let folder = directory + "portico-temporary-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func openFilesInFolder() -> Int {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            return all.filter {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?
                    .hasPrefix(folder) == true
            }.count
        }

        var file: TemporaryFile? = try TemporaryFile.make(in: folder).get()
        #expect(write("x", to: try #require(file), at: 0))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        #expect(openFilesInFolder() == 1)
        file = nil
        #expect(openFilesInFolder() == 0)
    }

    @Test func aDirectoryThatIsNotThereIsAnOutcome() {
        guard case .failure(let reason) = TemporaryFile.make(in: "/nowhere/at/all") else {
            Issue.record("a file in no directory")
            return
        }
        #expect("\(reason)" == "No such file or directory")
    }
}
