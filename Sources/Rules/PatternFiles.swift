// The pattern files of all sections: read once each, when the whole configuration is known.

public import Configuration
internal import Expressions
public import Patterns

extension PatternSets {
    /// Reads the files that the sections name, and lets their rules know the sets. Returns what is wrong with them.
    public mutating func resolve(_ drafts: inout [Draft]) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for i in drafts.indices { drafts[i].updateTables { read($0.patterns, &problems) } }
        for i in drafts.indices { drafts[i].updateTables { markChanges(&$0.patterns, &problems) } }
        for i in drafts.indices { drafts[i].updateTables { resolve(&$0.patterns, &problems) } }
        finish()
        return problems
    }
}
