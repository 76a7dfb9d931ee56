// Files that are requested often are kept open: what changes below the directory is seen all the same, and soon; the number of
// open files stays bounded, and they are closed when they are to be.

import Foundation
import Glibc
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct FileCacheScenarios {
    /// A site of text files that one thread serves.
    private struct Site {
        let front: FrontDoor
        let folder: String
        var pid: Int32 { front.portico.process.pid }

        init(_ files: [String: String], global: String = "", backend: String = "") throws {
            folder = Stage.current.folder + "/site"
            for (name, text) in files { _ = try Stage.current.file("site/\(name)", text) }
            front = try FrontDoor(global: "    nbthread 1\n\(global)", backend: "    files \(folder)\n\(backend)")
        }

        /// Requests each often enough that it is kept open.
        func warm(_ paths: [String]) throws {
            let client = try Connection(to: front.port)
            for _ in 1...3 {
                for path in paths { #expect(try client.fetch(path).status == 200) }
            }
        }

        /// Whether a request for the path comes to have this outcome.
        func comes(_ path: String, to isWanted: (Answer) -> Bool) throws -> Bool {
            try eventually { isWanted(try fetch(path, from: front.port)) }
        }
    }

    @Test("A file that is replaced by a rename, deleted and made again is seen")
    func replaced() throws {
        let site = try Site(["app.js": "one", "next": "two"])
        try site.warm(["/app.js"])
        #expect(unsafe rename(site.folder + "/next", site.folder + "/app.js") == 0)
        #expect(try site.comes("/app.js") { $0.text == "two" })
        #expect(unsafe unlink(site.folder + "/app.js") == 0)
        #expect(try site.comes("/app.js") { $0.status == 404 })
        _ = try Stage.current.file("site/app.js", "three")
        #expect(try fetch("/app.js", from: site.front.port).text == "three")
    }

    @Test("A folder that is renamed, and a link that leads elsewhere, are seen")
    func renamedFolder() throws {
        let site = try Site(["v1/app.js": "one", "v2/app.js": "two"])
        #expect(unsafe symlink("v1", site.folder + "/current") == 0)
        try site.warm(["/current/app.js", "/v1/app.js"])
        #expect(unsafe symlink("v2", site.folder + "/next") == 0)
        #expect(unsafe rename(site.folder + "/next", site.folder + "/current") == 0)
        #expect(try site.comes("/current/app.js") { $0.text == "two" })
        #expect(unsafe rename(site.folder + "/v1", site.folder + "/old") == 0)
        #expect(try site.comes("/v1/app.js") { $0.status == 404 })
    }

    @Test("A file, or a folder on its way, that may no longer be read is refused")
    func permissions() throws {
        let isRoot = geteuid() == 0
        let site = try Site(
            ["a.txt": "a", "sub/b.txt": "b"], global: isRoot ? "    user nobody\n    group nogroup" : "")
        try site.warm(["/a.txt", "/sub/b.txt"])
        #expect(unsafe chmod(site.folder + "/a.txt", 0) == 0)
        #expect(try site.comes("/a.txt") { $0.status == 403 })
        #expect(unsafe chmod(site.folder + "/sub", 0) == 0)
        defer { _ = unsafe chmod(site.folder + "/sub", 0o755) }
        #expect(try site.comes("/sub/b.txt") { $0.status == 403 })
    }

    @Test("A file that shrinks while it is sent is cut off, and the next request has the new one")
    func truncated() throws {
        let site = try Site(["big.bin": ""])
        let big = site.folder + "/big.bin"
        _ = try play(["dd", "if=/dev/urandom", "of=\(big)", "bs=1M", "count=50"])
        let head = try Connection(to: site.front.port)
        for _ in 1...3 { #expect(try head.fetch("/big.bin", method: "HEAD")["content-length"] == "\(50 << 20)") }

        let client = try Connection(to: site.front.port)
        try client.send("GET /big.bin HTTP/1.1\r\nHost: example.test\r\n\r\n")
        _ = try client.receiveHead()
        _ = try client.receive(count: 100_000)
        #expect(unsafe truncate(big, 1 << 20) == 0)
        // A reset takes what was not read yet with it.
        let rest = (try? client.receiveAll().count) ?? 0
        #expect(rest < (50 << 20) - 100_000)

        let now = try fetch("/big.bin", from: site.front.port)
        #expect(now.body.count == 1 << 20)
        #expect(Data(now.body) == FileManager.default.contents(atPath: big))
    }

    @Test("Many files that are requested often leave only so many open, also while clients need the descriptors")
    func manyFiles() throws {
        let names = (0..<300).map { "\($0).txt" }
        let folder = Stage.current.folder + "/site"
        for name in names { _ = try Stage.current.file("site/\(name)", "content of \(name)") }
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening(global: "    nbthread 1\n    maxconn 100"))
            listen www
                bind 127.0.0.1:\(port)
                files \(folder)
            """, listeningOn: port, descriptors: 320)
        let client = try Connection(to: port)
        #expect(try client.fetch("/none").status == 404)
        let before = descriptors(of: portico.process.pid)
        for _ in 1...3 {
            for name in names { #expect(try client.fetch("/\(name)").text == "content of \(name)") }
        }
        let kept = descriptors(of: portico.process.pid) - before
        #expect(kept > 0 && kept <= 40, "an eighth of the limit")
        let others = try (0..<80).map { _ in try Connection(to: port) }
        for (other, name) in zip(others, names) {
            #expect(try other.fetch("/\(name)").text == "content of \(name)")
        }
    }

    @Test("SIGQUIT closes the files, and a soft stop does not wait for them")
    func signals() throws {
        let names = (0..<10).map { "\($0).txt" }
        let site = try Site(Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }))
        let client = try Connection(to: site.front.port)
        #expect(try client.fetch("/none").status == 404)
        let before = descriptors(of: site.pid)
        for _ in 1...3 {
            for name in names { #expect(try client.fetch("/\(name)").text == name) }
        }
        #expect(descriptors(of: site.pid) == before + 10)

        site.front.portico.process.signal(SIGQUIT)
        _ = try site.front.portico.logLine(with: "closed 10 files")
        #expect(eventually { descriptors(of: site.pid) == before })

        for name in names { #expect(try client.fetch("/\(name)").text == name) }
        client.close()
        try site.warm(["/1.txt"])
        site.front.portico.process.signal(SIGUSR1)
        #expect(eventually { site.front.portico.process.ended() == .status(0) })
    }

    @Test("A file that is requested often is opened once a second; with files-cache off, for each request")
    func opens() throws {
        let site = try Site(["hot.txt": "hot"])
        try site.warm(["/hot.txt"])
        let watch = try OpenWatch(site.folder + "/hot.txt")
        let client = try Connection(to: site.front.port)
        let begun = ContinuousClock.now
        var opens = 0
        for _ in 1...200 {
            #expect(try client.fetch("/hot.txt").text == "hot")
            opens += watch.opens()
        }
        let seconds = Int((ContinuousClock.now - begun) / .seconds(1))
        #expect(opens <= seconds + 2)

        let port = try freePort()
        _ = try Portico(
            """
            \(opening())
            defaults
                mode http
                timeout client 60s
                files-cache off
            listen www
                bind 127.0.0.1:\(port)
                files \(site.folder)
            """, listeningOn: port)
        let other = try Connection(to: port)
        for _ in 1...5 {
            #expect(try other.fetch("/hot.txt").text == "hot")
            #expect(watch.opens() == 1)
        }
    }

    @Test("Kept contents arrive as they are, pipelined and mixed", arguments: [16_384, 4_096])
    func contents(bufferBytes: Int) throws {
        // Files of the project: contents of files that were just written are not kept.
        let port = try freePort()
        _ = try Portico(
            """
            \(opening(global: "    nbthread 1\n    tune.bufsize \(bufferBytes)"))
            listen www
                bind 127.0.0.1:\(port)
                files \(projectFolder)
            """, listeningOn: port)
        let paths = ["/CONTRIBUTING.md", "/Makefile", "/LICENSE", "/Package.swift", "/CHANGELOG.md"]
        let files = Dictionary(
            uniqueKeysWithValues: paths.map { ($0, FileManager.default.contents(atPath: projectFolder + $0)) })
        let client = try Connection(to: port)
        let order = (0..<60).map { paths[$0 * 7 % 11 % paths.count] }
        let sender = Thread {
            try? client.send(order.map { "GET \($0) HTTP/1.1\r\nHost: example.test\r\n\r\n" }.joined())
        }
        sender.start()
        for path in order {
            let answer = try client.receiveAnswer()
            #expect(Data(answer.body) == files[path], "\(path)")
            #expect(answer["content-length"] == "\(answer.body.count)")
        }
        let head = try client.fetch("/LICENSE", method: "HEAD")
        #expect(head["content-length"] == "\(files["/LICENSE"]??.count ?? 0)")
        #expect(try client.fetch("/LICENSE").status == 200)
    }
}

/// Counts how often a file is opened, by any process.
private final class OpenWatch {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0, unsafe inotify_add_watch(descriptor, path, UInt32(IN_OPEN)) >= 0 else {
            throw StageFault("cannot watch \(path): \(errorText())")
        }
    }

    deinit { close(descriptor) }

    /// The openings since the last call. Two of the same kind in a row are reported as one.
    func opens() -> Int {
        var events = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe read(descriptor, &events, events.count)
        return max(0, count) / MemoryLayout<inotify_event>.size
    }
}
