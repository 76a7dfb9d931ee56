// `default-path`: the folder to which relative paths refer. As in HAProxy, the process changes its working directory
// while it reads the file, so that the parsers of all modules need no special handling.

/// The folder to which relative paths refer.
enum BasePath: Sendable {
    /// The working directory in which the process was started.
    case current
    /// The folder of the configuration file, or its parent.
    case config, parent
    case origin(String)

    /// The folder for the lines of `file`, relative to the directory in which the process was started.
    func folder(for file: String) -> String {
        switch self {
        case .current: "."
        case .config: Files.folder(of: file).isEmpty ? "." : Files.folder(of: file)
        case .parent: Files.folder(of: file).isEmpty ? ".." : Files.join(Files.folder(of: file), "..")
        case .origin(let folder): folder
        }
    }
}

extension Word {
    /// Where a file is that the word names, for those who read it when the working directory is another one again.
    /// - Parameter path: the word's text, or that with a folder of `global` before it.
    public func place(of path: String) -> String { Files.join(folder ?? "", path) }
}

extension Loader {
    /// Changes to the folder to which relative paths in the following lines refer.
    mutating func change(to base: BasePath, at word: Word) {
        self.base = base
        changeToBase(for: word.range.file, at: word)
    }

    /// The line with the folder in each of its words, if there is one: the working directory is that until the file is read.
    func located(_ line: Lexer.Line) -> Lexer.Line {
        guard start != nil else { return line }
        var line = line
        let folder = Files.current
        for i in line.words.indices { line.words[i].folder = folder }
        return line
    }

    /// Changes to the base folder at the start of a file; a `default-path` in an earlier file stays in effect.
    mutating func changeToBase(for file: String, at word: Word? = nil) {
        if case .current = base, start == nil { return }
        let start = self.start ?? Files.current
        self.start = start
        let folder = Files.join(start, base.folder(for: file))
        do throws(Files.Refusal) {
            try Files.changeDirectory(to: folder)
        } catch {
            add(ConfigProblem("cannot change to \(folder): \(error.text)", at: word?.range))
        }
    }

    /// Changes back to the directory in which the process was started.
    mutating func changeBack() {
        guard let start else { return }
        do throws(Files.Refusal) {
            try Files.changeDirectory(to: start)
        } catch {
            add(ConfigProblem("cannot change back to \(start): \(error.text)", at: nil))
        }
    }
}
