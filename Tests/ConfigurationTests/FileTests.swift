// Configurations of several files: repeated -f, folders, includes.

import Configuration
import Foundation
import Testing

@Suite struct FileTests {
    /// A folder for each test, removed afterwards.
    private final class Folder {
        let path: String

        init(_ files: [String: String]) throws {
            path = NSTemporaryDirectory() + "configuration-\(UUID().uuidString)"
            for (name, text) in files {
                let file = URL(fileURLWithPath: path + "/" + name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func load(_ names: String...) -> LoadedConfiguration {
            TinyLanguage.language.load(
                paths: names.map { $0.isEmpty ? path : path + "/" + $0 }, environment: ["PORT": "80"])
        }

        /// The problems, without the folder's path.
        func complaints(_ loaded: LoadedConfiguration) -> [String] {
            loaded.complaints.map { $0.replacing(path + "/", with: "").replacing(path, with: "FOLDER") }
        }
    }

    @Test func `several files are one configuration, and defaults reach from one into the next`() throws {
        let folder = try Folder(["a.cfg": "defaults\n mode tcp\n", "b.cfg": "listen x\n bind \":$PORT\"\n"])
        let loaded = folder.load("a.cfg", "b.cfg")
        #expect(loaded.complaints == [])
        #expect(loaded.lines(of: "x") == ["mode tcp", "bind :80"])
        #expect(loaded.environment["HAPROXY_BRANCH"] == "0.0")
        #expect(loaded.environment["HAPROXY_CFGFILES"] == "\(folder.path)/a.cfg;\(folder.path)/b.cfg")
    }

    @Test func `a section ends with its file`() throws {
        let folder = try Folder(["a.cfg": "listen x\n", "b.cfg": "\n bind :80\n"])
        #expect(
            folder.complaints(folder.load("a.cfg", "b.cfg"))
                == [
                    "b.cfg:2:2: error: 'bind' before the first section; expected a line with frontend or listen above it"
                ])
    }

    @Test func `a folder is its cfg files by name, without hidden ones and without folders`() throws {
        let folder = try Folder([
            "10-b.cfg": "listen b\n", "02-a.cfg": "listen a\n", "Z.cfg": "listen z\n", ".hidden.cfg": "wrong",
            "note.txt": "wrong",
            "x.cfg~": "wrong", "sub.cfg/inner.cfg": "wrong",
        ])
        let loaded = folder.load("")
        #expect(loaded.complaints == [])
        #expect(loaded.proxies.map(\.name) == ["a", "b", "z"])
    }

    @Test func `an include continues the section it stands in`() throws {
        let folder = try Folder([
            "main.cfg": "listen x\n include parts/binds.inc\n mode tcp\ninclude parts/*.cfg\n",
            "parts/binds.inc": "bind :80\ninclude more.inc\n", "parts/more.inc": "bind :81\n",
            "parts/2.cfg": "listen two\n", "parts/1.cfg": "listen one\n",
        ])
        let loaded = folder.load("main.cfg")
        #expect(loaded.complaints == [])
        #expect(loaded.lines(of: "x") == ["bind :80", "bind :81", "mode tcp"])
        #expect(loaded.proxies.map(\.name) == ["x", "one", "two"])
    }

    @Test func `an include may stand before the first section`() throws {
        let folder = try Folder(["main.cfg": "include a.inc\nlisten x\n", "a.inc": "defaults\n mode tcp\n"])
        let loaded = folder.load("main.cfg")
        #expect(loaded.complaints == [])
        #expect(loaded.lines(of: "x") == ["mode tcp"])
    }

    @Test func `files that include each other are found out`() throws {
        let folder = try Folder(["a.cfg": "listen x\n include b.inc\n", "b.inc": "include ./a.cfg\nmode tcp\n"])
        let loaded = folder.load("a.cfg")
        #expect(folder.complaints(loaded) == ["b.inc:1:9: error: files include each other: a.cfg, b.inc, ./a.cfg"])
        #expect(loaded.lines(of: "x") == ["mode tcp"])
    }

    @Test func `what cannot be read is named with the system's reason`() throws {
        let folder = try Folder([
            "a.cfg": "listen x\n include gone.inc\n include \"\"\n include .\n include none*.inc\n"
        ])
        #expect(
            folder.complaints(folder.load("gone.cfg")) == ["error: cannot read gone.cfg: No such file or directory"])
        // Unresolved references may be defined in the file that could not be read.
        #expect(!folder.load("gone.cfg").isComplete && !folder.load("a.cfg").isComplete)
        #expect(
            folder.complaints(folder.load("a.cfg")) == [
                "a.cfg:2:10: error: cannot read gone.inc: No such file or directory",
                "a.cfg:3:10: error: the path is empty",
                "a.cfg:4:10: error: cannot read .: Is a directory",
                "a.cfg:5:10: notice: no file matches 'none*.inc'",
            ])
        let empty = try Folder(["x.txt": ""])
        #expect(
            empty.complaints(empty.load("")) == [
                "warning: no *.cfg file in FOLDER",
                "error: there is no section; expected a frontend and a backend, or a listen",
            ])
    }

    @Test func `duplicate names name the first place, in whichever file`() throws {
        let folder = try Folder(["a.cfg": "listen x\n", "b.cfg": "\nbackend x\n"])
        #expect(
            folder.complaints(folder.load("a.cfg", "b.cfg"))
                == ["b.cfg:2:9: error: there is a listen 'x' already, at a.cfg:1"])
    }
}
