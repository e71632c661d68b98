using System.Text;
using CozeCluster.Upstreams.PassThrough;

namespace CozeCluster.Upstreams.Tests.PassThrough;

public sealed class MaskedBodyTests
{
    private const string Secret = "sk-ssk-secret";

    public static TheoryData<string, int, int> Bodies
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (var text in (string[])
                ["", "nothing", Secret, $"a{Secret}b", $"{Secret}{Secret}", $"sk-s{Secret}", "sk-ssk-secre", $"sk-ssk-secre{Secret}x", $"x{Secret[..5]}",
                 string.Concat(Enumerable.Repeat($"padding {Secret} ", 4000))])
            {
                foreach (var piece in (int[])[1, 3, 7, 100_000])
                    foreach (var buffer in (int[])[1, 5, 4096]) data.Add(text, piece, buffer);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Secret_is_masked_wherever_the_body_is_divided(string text, int piece, int buffer)
    {
        if (text.Length > 1000 && (piece == 1 || buffer == 1)) (piece, buffer) = (11, 13);
        await using var body = new MaskedBody(new Pieces(Encoding.UTF8.GetBytes(text), piece), Encoding.UTF8.GetBytes(Secret));
        using var read = new MemoryStream();
        var bytes = new byte[buffer];
        while (await body.ReadAsync(bytes, TestContext.Current.CancellationToken) is var count and > 0) read.Write(bytes, 0, count);

        Assert.Equal(text.Replace(Secret, new string('*', Secret.Length), StringComparison.Ordinal), Encoding.UTF8.GetString(read.ToArray()));
    }

    [Fact]
    public async Task Text_that_cannot_be_the_secret_is_not_held_back()
    {
        var source = new Pieces(Encoding.UTF8.GetBytes("data: one\n\n"), 100) { NeverEnds = true };
        await using var body = new MaskedBody(source, Encoding.UTF8.GetBytes(Secret));

        Assert.Equal(11, await body.ReadAsync(new byte[100], TestContext.Current.CancellationToken));
    }

    /// <summary>A body that arrives in pieces.</summary>
    private sealed class Pieces(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public bool NeverEnds { get; init; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            NeverEnds && Position == Length
                ? new ValueTask<int>(new TaskCompletionSource<int>().Task)
                : base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
