using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ChunkedTextTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(64)]
    public void Generate_AnySize_DoesNotSplitCharacters(int size)
    {
        foreach (var ascii in new[] { false, true })
        {
            var text = ChunkedText.Generate(seed: 3, TextKind.Unicode, chunks: 200, size, ascii);

            var chunks = text.Chunks.Select(Decode).ToList();
            Assert.Equal(200, chunks.Count);
            Assert.Equal(text.Text, string.Concat(chunks));
            Assert.All(chunks, c => Assert.False(char.IsHighSurrogate(c[^1]) || char.IsLowSurrogate(c[0])));
            Assert.All(chunks, c => Assert.InRange(c.Length, size, size + 1));
        }
    }

    [Fact]
    public void Split_EscapesOnlyWhatJsonRequires()
    {
        var chunk = Encoding.UTF8.GetString(ChunkedText.Split("\"\\\n\t\u0001é🚀", 100, ascii: false).Chunks.Single());

        Assert.Equal("\\\"\\\\\\n\\u0009\\u0001é🚀", chunk);
    }

    [Fact]
    public void Generate_SameArguments_ReturnsTheCachedText()
    {
        Assert.Same(
            ChunkedText.Generate(1, TextKind.Plain, 10, 8, ascii: false),
            ChunkedText.Generate(1, TextKind.Plain, 10, 8, ascii: false));
    }

    private static string Decode(byte[] chunk)
    {
        var json = new Utf8JsonReader((byte[])[(byte)'"', .. chunk, (byte)'"']);
        json.Read();
        return json.GetString()!;
    }
}
