using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Rca;

public sealed class RcaStreamTests
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("stream", "/rca")]
    [InlineData("http", "/rca/?stream=true")]
    public async Task Post_History_StreamsObjectsWithTheWholeTextAndTheLastOneTwice(string mode, string path)
    {
        await using var host = await RcaHost.Start(mode);
        var pending = host.Post(path: path);
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 2), Reply.Text("记得"));
        using var response = await pending.WaitAsync(Hang);
        await using var body = await response.Content.ReadAsStreamAsync();
        Assert.Equal("""{"content":"记得","continue":true,"reply_type":1}""", await ReadObject(body));

        await conversation.Post(new Cursor(0, 3), Reply.Text("！", offset: 2));
        Assert.Equal("""{"content":"记得！","continue":true,"reply_type":1}""", await ReadObject(body));
        await conversation.Post(new Cursor(0, 3), Reply.Stop());

        Assert.Equal("""{"content":"记得！","continue":false,"reply_type":1}""", await ReadObject(body));
        Assert.Equal("""{"content":"记得！","continue":false,"reply_type":1}""", await ReadObject(body));
        Assert.Equal("", await ReadObject(body));
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
    }

    [Fact]
    public async Task Post_TextWithBraces_IsReadByTheOldClient()
    {
        const string Text = "let x = { a: { b: 1 } }; // } \" \\ 🚀 <&>";
        await using var host = await RcaHost.Start(
            "stream", onBegin: conversation => conversation.Post(new Cursor(0, Text.Length), Reply.Text(Text), Reply.Stop()));

        using var response = await host.Post();
        var received = await response.Content.ReadAsStringAsync();

        // The old client: chunk.split('}'), and a brace at the end of each part.
        var objects = received.Split('}')[..^1].Select(part => JsonDocument.Parse(part + "}").RootElement).ToList();
        Assert.Equal(2, objects.Count);
        Assert.All(objects, last => Assert.Equal((Text, false), (last.GetProperty("content").GetString(), last.GetProperty("continue").GetBoolean())));
    }

    [Fact]
    public async Task Post_ReplyThatIsCut_EndsAbnormallyAndHasNoLastObject()
    {
        await using var host = await RcaHost.Start("stream");
        var pending = host.Post();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending.WaitAsync(Hang);
        await using var body = await response.Content.ReadAsStreamAsync();
        Assert.Contains("\"continue\":true", await ReadObject(body), StringComparison.Ordinal);

        await conversation.Post(new Cursor(0, 1), Reply.Failed(ErrorCode.UpstreamTimeout, "Too late."));

        await Assert.ThrowsAnyAsync<IOException>(() => ReadObject(body));
    }

    [Fact]
    public async Task Post_ReplyThatWaitsForATool_EndsAbnormally()
    {
        await using var host = await RcaHost.Start("stream");
        var pending = host.Post();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending.WaitAsync(Hang);
        await using var body = await response.Content.ReadAsStreamAsync();
        await ReadObject(body);

        await conversation.Post(new Cursor(0, 1), Reply.Stop(reason: FinishReason.ToolCalls));

        await Assert.ThrowsAnyAsync<IOException>(() => ReadObject(body));
    }

    [Fact]
    public async Task Post_TurnThatFailsBeforeItsText_GetsItsStatus()
    {
        await using var host = await RcaHost.Start(
            "stream", onBegin: conversation => conversation.Post(Cursor.Start, Reply.Failed(ErrorCode.RateLimited, "Too many.")));

        using var response = await host.Post();

        Assert.Equal(429, (int)response.StatusCode);
        Assert.Equal("Too many.", (await response.ReadJson()).GetProperty("errmsg").GetString());
    }

    [Fact]
    public async Task Silence_IsFilledWithSpaces()
    {
        await using var host = await RcaHost.Start("stream", configure: options => options.StartGrace = TimeSpan.Zero);
        var pending = host.Post();
        var conversation = await host.WaitForTurn();
        using var response = await pending.WaitAsync(Hang);
        await using var body = await response.Content.ReadAsStreamAsync();

        var reading = body.ReadAsync(new byte[1]).AsTask();
        while (!reading.IsCompleted)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            await conversation.Post(Cursor.Start);
            await Task.Yield();
        }

        Assert.Equal(1, await reading);
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        Assert.Equal("""{"content":"x","continue":false,"reply_type":1}""", (await ReadObject(body)).Trim());
    }

    /// <summary>Reads up to the end of an object; empty at the end of the response.</summary>
    private static async Task<string> ReadObject(Stream body)
    {
        var text = new List<byte>();
        var next = new byte[1];
        while (await body.ReadAsync(next).AsTask().WaitAsync(Hang) > 0)
        {
            text.Add(next[0]);
            if (next[0] == '}') break;
        }
        return System.Text.Encoding.UTF8.GetString([.. text]);
    }
}
