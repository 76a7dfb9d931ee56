// A site of real files in a temporary directory, and helpers for requests.

import Basics
import Foundation
import Glibc
import HTTP
import StaticFiles
import Testing

/// A directory `site` with a few files, next to files that must never be served; removed at the end of the test.
final class Site {
    let base: String
    let path: String
    let now = WallTime(seconds: 1_800_000_000)

    init(_ files: [String: String] = ["index.html": "<h1>home</h1>", "app.css": "body {}"]) throws {
        base = NSTemporaryDirectory() + "portico-files-\(UUID().uuidString)"
        path = base + "/site"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, content) in files { try write(name, content) }
    }

    deinit { try? FileManager.default.removeItem(atPath: base) }

    /// Writes a file below `site` (or outside it, with `../`), with the modification time `modified` in seconds since 1970.
    func write(_ name: String, _ content: String, modified: Double = 1_700_000_000) throws {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: file, contents: Data(content.utf8)))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: modified)], ofItemAtPath: file)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
    }

    func root(index: [String] = ["index.html"], strip: String = "") throws -> Served {
        let directory = try FileDirectory(path: path)
        return Served(site: self, root: FileRoot(directory: directory, indexNames: index, strippedPrefix: strip))
    }
}

/// A root whose files exist as long as it does.
struct Served {
    let site: Site
    let root: FileRoot

    func get(
        _ path: String, method: HTTP.Method = .get, ifMatch: String? = nil, ifUnmodifiedSince: String? = nil,
        ifNoneMatch: String? = nil, ifModifiedSince: String? = nil, now: WallTime = WallTime(seconds: 1_800_000_000)
    ) -> FileAnswer {
        let fields: [(KnownField, String?)] = [
            (.ifMatch, ifMatch), (.ifUnmodifiedSince, ifUnmodifiedSince), (.ifNoneMatch, ifNoneMatch),
            (.ifModifiedSince, ifModifiedSince),
        ]
        return get(Array(path.utf8), method: method, fields: fields.compactMap { f in f.1.map { (f.0, $0) } }, now: now)
    }

    func get(
        _ path: [UInt8], method: HTTP.Method = .get, fields: [(KnownField, String)] = [],
        now: WallTime = WallTime(seconds: 1_800_000_000)
    ) -> FileAnswer {
        var request = HeaderFields()
        for (field, value) in fields { request.append(field, value) }
        return unsafe root.answer(method: method, path: path.span.bytes, fields: request, now: now)
    }
}

extension FileAnswer {
    var file: OpenFile? {
        if case .file(let file) = self { return file }
        return nil
    }

    /// The bytes of the file, or the name of the other outcome.
    var content: String {
        guard let file else { return "\(status)" }
        var bytes = [UInt8](repeating: 0, count: file.size)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file.descriptor, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    var location: String? { field("location") }

    func field(_ name: String, query: String = "") -> String? {
        var fields = HeaderFields()
        unsafe appendFields(to: &fields, query: Array(query.utf8).span.bytes)
        for i in 0..<fields.count where fields.name(i).text == name { return fields.value(i).text }
        return nil
    }
}
