using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Tests.Json;

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
    public void ToString_EveryEscapedUnit_IsThatUnit()
    {
        for (var unit = 0; unit <= char.MaxValue; unit += 7) Assert.Equal(((char)unit).ToString(), Read(Encoding.ASCII.GetBytes($"\"\\u{unit:x4}\"")));
    }

    [Fact]
    public void ToString_HalfOfAPair_IsThatHalf()
    {
        Assert.Equal("x\ud83d", Read("\"x\\ud83d\""u8.ToArray()));
        Assert.Equal("\ude80x", Read("\"\\ude80x\""u8.ToArray()));
    }

    [Fact]
    public void ToString_BrokenUtf8_BecomesReplacements() => Assert.Equal("a\uFFFDb", Read([(byte)'"', (byte)'a', 0xF0, 0x9F, (byte)'b', (byte)'"']));

    [Fact]
    public void Text_OfLenientJson_TakesNumbersAndHalves()
    {
        var json = LenientJson.TryParse("{\"id\":7350000000000000001,\"half\":\"\\ud83d\",\"none\":null,\"n\":\"42\"}"u8)!.Value;

        Assert.Equal("7350000000000000001", json.Text("id"u8));
        Assert.Equal("\ud83d", json.Text("half"u8));
        Assert.Null(json.Text("none"u8));
        Assert.Null(json.Text("missing"u8));
        Assert.Equal(42, json.Number("n"u8));
        Assert.Null(json.Number("half"u8));
        Assert.Null(LenientJson.TryParse("{\"cut"u8));
    }

    private static string Read(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return JsonText.Of(ref reader, json).ToString();
    }
}
