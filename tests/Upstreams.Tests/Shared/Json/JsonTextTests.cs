using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Tests.Shared.Json;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("\"plain\"", "plain")]
    [InlineData("\"\"", "")]
    [InlineData("\"你好 🚀\"", "你好 🚀")]
    [InlineData("\"a\\n\\t\\r\\b\\f\\\\\\/\\\"z\"", "a\n\t\r\b\f\\/\"z")]
    [InlineData("\"\\u4f60\\u597D!\"", "你好!")]
    [InlineData("\"\\ud83d\\ude80\"", "🚀")]
    [InlineData("12345678901234567890", "12345678901234567890")]
    [InlineData("true", "true")]
    [InlineData("null", "")]
    [InlineData("{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":2}]}")]
    public void ToString_OfAnyValue_IsItsText(string json, string expected) => Assert.Equal(expected, Read(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void ToString_EscapedCodeUnit_IsThatCodeUnit()
    {
        for (var unit = 0; unit <= char.MaxValue; unit += 7) Assert.Equal(((char)unit).ToString(), Read(Encoding.ASCII.GetBytes($"\"\\u{unit:x4}\"")));
    }

    [Fact]
    public void ToString_HalfOfASurrogatePair_IsKept()
    {
        Assert.Equal("x\ud83d", Read("\"x\\ud83d\""u8.ToArray()));
        Assert.Equal("\ude80x", Read("\"\\ude80x\""u8.ToArray()));
    }

    [Fact]
    public void ToString_InvalidUtf8_IsReplaced() => Assert.Equal("a\uFFFDb", Read([(byte)'"', (byte)'a', 0xF0, 0x9F, (byte)'b', (byte)'"']));

    [Fact]
    public void LenientJson_AcceptsOtherTypes()
    {
        var json = LenientJson.TryParse("{\"id\":7350000000000000001,\"half\":\"\\ud83d\",\"none\":null,\"n\":\"42\"}"u8)!.Value;

        Assert.Equal("7350000000000000001", json.GetText("id"u8));
        Assert.Equal("\ud83d", json.GetText("half"u8));
        Assert.Null(json.GetText("none"u8));
        Assert.Null(json.GetText("missing"u8));
        Assert.Equal(42, json.GetNumber("n"u8));
        Assert.Null(json.GetNumber("half"u8));
        Assert.Null(LenientJson.TryParse("{\"cut"u8));
    }

    private static string Read(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return JsonText.Read(ref reader, json).ToString();
    }
}
