import Basics
import Testing

@Suite struct CSVFieldTests {
    @Test(arguments: [
        ("", ""), ("left ventricle", "left ventricle"), ("a;b", "a;b"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""),
        ("a\nb", "\"a\nb\""), ("a\rb", "\"a\rb\""), ("a\r\nb", "\"a\r\nb\""), ("a,\u{301}b", "\"a,\u{301}b\""),
        ("\"\u{301}", "\"\"\"\u{301}\""),
    ])
    func quotesWhatWouldEndTheField(_ text: String, _ field: String) {
        #expect(Array(text.csvField.utf8) == Array(field.utf8))
    }
}
