using System.Net.Sockets;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Chat;

public sealed class SlowClientTests
{
    [Fact]
    public async Task A_client_that_does_not_read_fills_the_queue_and_still_gets_every_character()
    {
        await using var host = await GatewayHost.Start(realTime: true);
        using var client = await Connect(host);
        var conversation = await host.Begun();
        await Fill(conversation);
        conversation.Told.Add(Reply.Stop());

        // HTTP 1.0: no chunk framing between the lines.
        using var reader = new StreamReader(client.GetStream());
        var heard = new StringBuilder();
        while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal)) heard.Append(new SseEvent("", line[6..]).Text);
        }
        Assert.Equal(string.Concat(conversation.Told.OfType<ReplyText>().Select(text => text.Text.ToString())), heard.ToString());
        Assert.Contains(conversation.Calls, call => call.StartsWith("read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_takes_nothing_for_long_still_counts_as_listening()
    {
        await using var host = await GatewayHost.Start();
        using var client = await Connect(host);
        var conversation = await host.Begun();
        await Fill(conversation);

        for (var signs = 1; signs <= 3; signs++)
        {
            await Until.True(() =>
            {
                host.Time.Advance(TimeSpan.FromSeconds(1));
                return conversation.Calls.Count(call => call.StartsWith("read", StringComparison.Ordinal)) >= signs;
            });
        }
        Assert.DoesNotContain("cancel", conversation.Calls);
    }

    private static async Task<TcpClient> Connect(GatewayHost host)
    {
        var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync("127.0.0.1", host.Http.BaseAddress!.Port);
        var body = GatewayHost.Body(",\"stream\":true");
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.0\r\nhost: a\r\nauthorization: Bearer sk-test\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body}"));
        return client;
    }

    /// <summary>Tells more and more until the observer says that it is full.</summary>
    private static async Task Fill(FakeConversation conversation)
    {
        var told = 0;
        for (var i = 0; i < 4000; i++)
        {
            var text = $"[{i}:{new string((char)('a' + (i % 26)), 4000)}]";
            if (await conversation.Tell(new Cursor(0, told + text.Length), Reply.Text(text, offset: told)) == ReplyAck.Full) return;
            told += text.Length;
        }
        Assert.Fail("It was never full.");
    }
}
