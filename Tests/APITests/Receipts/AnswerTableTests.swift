import API
import Testing

@Suite struct AnswerTableTests {
    private func rows(_ text: String) -> [[String]] {
        text.split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func everyMaskIsARow() throws {
        let answer: JSON = [
            "task": .null, "tier": "base", "image": ["id": "img_1", "width": 4, "height": 3],
            "masks": [
                ["prompt": 0, "score": 0.5, "area_px": 7, "bounds": ["x0": 1, "y0": 0, "x1": 3, "y1": 2]],
                ["prompt": 1, "score": 0.25, "area_px": 0, "bounds": .null],
            ],
            "metrics": ["dice": 0.75], "receipt_sha256": "ab",
        ]
        let table = rows(AnswerTable.csv([answer, answer]))
        #expect(table.count == 5)
        #expect(table.allSatisfy { $0.count == AnswerTable.columns.count })
        #expect(table[0] == AnswerTable.columns)
        func value(_ row: Int, _ column: String) throws -> String {
            table[row][try #require(AnswerTable.columns.firstIndex(of: column))]
        }
        #expect(try value(1, "image") == "img_1")
        #expect(try value(1, "area_px") == "7")
        #expect(try value(1, "x1") == "3")
        #expect(try value(2, "prompt") == "1")
        #expect(try value(2, "x1") == "")
        #expect(try value(2, "dice") == "0.75")
        #expect(try value(2, "task") == "")
        #expect(table[1] == table[3])
    }

    @Test func whatWouldBreakARowIsQuoted() {
        let answer: JSON = ["tier": "a \"b\", c\nd", "masks": [["prompt": 0]]]
        #expect(AnswerTable.csv([answer]).contains(",\"a \"\"b\"\", c\nd\","))
    }
}
