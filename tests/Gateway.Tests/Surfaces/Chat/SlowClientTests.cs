using System.Net.Sockets;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Chat;

public sealed class SlowClientTests
{
    [Fact]
    public async Task Client_that_does_not_read_fills_the_queue_and_still_gets_every_character()
    {
        await using var host = await GatewayHost.Start(realTime: true);
        using var client = await Connect(host);
        var conversation = await host.WaitForTurn();
        await Fill(conversation);
        conversation.Events.Add(Reply.Stop());

        // HTTP 1.0 has no chunk framing between the lines.
        using var reader = new StreamReader(client.GetStream());
        var received = new StringBuilder();
        while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal)) received.Append(new SseEvent("", line[6..]).Text);
        }
        Assert.Equal(string.Concat(conversation.Events.OfType<ReplyText>().Select(text => text.Text.ToString())), received.ToString());
        Assert.Contains(conversation.Calls, call => call.StartsWith("read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reader_of_a_client_that_takes_nothing_sends_heartbeats()
    {
        await using var host = await GatewayHost.Start();
        using var client = await Connect(host);
        var conversation = await host.WaitForTurn();
        await Fill(conversation);

        for (var heartbeats = 1; heartbeats <= 3; heartbeats++)
        {
            await Until.True(() =>
            {
                host.Time.Advance(TimeSpan.FromSeconds(1));
                return conversation.Calls.Count(call => call.StartsWith("read", StringComparison.Ordinal)) >= heartbeats;
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
            "POST /v1/chat/completions HTTP/1.0\r\nhost: a\r\nauthorization: Bearer sk-test\r\n" +
            $"content-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body}"));
        return client;
    }

    /// <summary>Posts batches until the feed answers that it is full.</summary>
    private static async Task Fill(FakeConversation conversation)
    {
        var length = 0;
        for (var i = 0; i < 4000; i++)
        {
            var text = $"[{i}:{new string((char)('a' + (i % 26)), 4000)}]";
            if (await conversation.Post(new Cursor(0, length + text.Length), Reply.Text(text, offset: length)) == ReplyAck.Full) return;
            length += text.Length;
        }
        Assert.Fail("The feed was never full.");
    }
}
