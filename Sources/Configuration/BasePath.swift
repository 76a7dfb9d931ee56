// `default-path`: where the relative paths of a file's lines begin. The process itself goes there while the file is read, and back
// behind it, as HAProxy does: so the words of all rooms are read alike.

/// Where relative paths begin.
enum BasePath: Sendable {
    /// Where the process was started.
    case current
    /// The folder of the configuration file, or its parent.
    case config, parent
    case origin(String)

    /// The folder for the lines of `file`, as seen from where the process was started.
    func folder(for file: String) -> String {
        switch self {
        case .current: "."
        case .config: Files.folder(of: file).isEmpty ? "." : Files.folder(of: file)
        case .parent: Files.folder(of: file).isEmpty ? ".." : Files.join(Files.folder(of: file), "..")
        case .origin(let folder): folder
        }
    }
}

extension Loader {
    /// Goes where the lines that follow have their relative paths begin.
    mutating func go(to base: BasePath, at word: Word) {
        self.base = base
        goToBase(for: word.range.file, at: word)
    }

    /// Goes there for a file that begins: what an earlier file said holds on.
    mutating func goToBase(for file: String, at word: Word? = nil) {
        if case .current = base, start == nil { return }
        let start = self.start ?? Files.current
        self.start = start
        let folder = Files.join(start, base.folder(for: file))
        do throws(Files.Refusal) {
            try Files.go(to: folder)
        } catch {
            add(ConfigProblem("cannot go to \(folder): \(error.text)", at: word?.range))
        }
    }

    /// Goes back to where the process was started.
    mutating func goBack() {
        guard let start else { return }
        do throws(Files.Refusal) {
            try Files.go(to: start)
        } catch {
            add(ConfigProblem("cannot go back to \(start): \(error.text)", at: nil))
        }
    }
}
