using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Security.Tests.Floods;

/// <summary>Requests that break the rules of HTTP: they get an error or no answer, never the answer to another request.</summary>
[Collection(nameof(SmallNode))]
public sealed class RawRequestTests(SmallNodeFixture node)
{
    private const string Post =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer " + TestFleet.Key + "\r\nContent-Type: application/json\r\n";

    private const string Body = """{"model":"bot","messages":[{"role":"user","content":"[[say=smuggled]]"}]}""";
    private const string Smuggled = "GET /v1/models HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer " + TestFleet.Key + "\r\n\r\n";

    public static TheoryData<string, string, string> Requests => new()
    {
        { "two lengths", Post + "Content-Length: 5\r\nContent-Length: 73\r\n\r\n" + Body, "400" },
        { "a negative length", Post + "Content-Length: -1\r\n\r\n" + Body, "400" },
        { "a length that is no number", Post + "Content-Length: 7e1\r\n\r\n" + Body, "400" },
        { "a length beyond 64 bits", Post + "Content-Length: 99999999999999999999999\r\n\r\n" + Body, "400" },
        { "a length of 100 GB", Post + "Content-Length: 100000000000\r\n\r\n" + Body, "413" },
        { "a chunk with a false length", Post + "Transfer-Encoding: chunked\r\n\r\n5\r\n" + Body + "\r\n0\r\n\r\n", "400" },
        // The server takes this for a broken connection, and closes it without an answer.
        { "a chunk with a huge length", Post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n" + Body + "\r\n0\r\n\r\n", "" },
        { "an unknown transfer encoding", Post + "Transfer-Encoding: identity\r\n\r\n" + Body, "400|501" },
        { "two hosts", "GET /v1/models HTTP/1.1\r\nHost: node\r\nHost: other\r\n\r\n", "400" },
        { "many headers", "GET /v1/models HTTP/1.1\r\nHost: node\r\n" + Lines(200, number => $"X-{number}: x") + "\r\n", "431" },
        { "a huge header", $"GET /v1/models HTTP/1.1\r\nHost: node\r\nX-Huge: {new string('x', 1 << 20)}\r\n\r\n", "431" },
        { "a huge path", $"GET /{new string('x', 1 << 20)} HTTP/1.1\r\nHost: node\r\n\r\n", "414" },
        { "dot segments", "GET /v1/models/../models HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n", "400" },
        { "encoded dot segments", "DELETE /admin/v1/fleet/models/%2e%2E HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n", "400" },
        { "a line of zeros", new string('\0', 100) + "\r\n\r\n", "400" },
        { "a header with a line feed", "GET /v1/models HTTP/1.1\r\nHost: node\r\nX-Request-Id: a\nSet-Cookie: b\r\nConnection: close\r\n\r\n", "400|401" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_that_breaks_the_rules_is_refused(string name, string request, string statuses)
    {
        var answer = await ExchangeAsync(request, half: false);

        Assert.NotEmpty(name);
        Assert.Matches(statuses.Length == 0 ? "^$" : $"^HTTP/1.1 ({statuses}) ", answer);
        Assert.DoesNotContain("smuggled", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Set-Cookie", answer, StringComparison.OrdinalIgnoreCase);
        await node.AssertHealthyAsync();
    }

    [Fact]
    public async Task A_length_and_chunks_together_do_not_hide_a_second_request()
    {
        var hidden = $"{Body.Length:x}\r\n{Body}\r\n0\r\n\r\n{Smuggled}";
        var lengths = $"Content-Length: {hidden.Length}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        var answer = await ExchangeAsync(Post + lengths + hidden, half: false);

        Assert.DoesNotContain("\"object\":\"list\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_shorter_than_its_length_ends_with_its_connection()
    {
        await ExchangeAsync(Post + "Content-Length: 5000\r\n\r\n" + Body, half: true);

        await node.AssertHealthyAsync();
    }

    [Fact]
    public async Task A_body_that_arrives_too_slowly_is_refused()
    {
        var answer = await ExchangeAsync(Post + "Content-Length: 5000\r\n\r\n{", half: false);

        Assert.Matches("^HTTP/1.1 (400|408) ", answer);
        var json = answer[answer.IndexOf("{\"error\"", StringComparison.Ordinal)..];
        Assert.Equal("invalid_request_error", JsonDocument.Parse(json[..(json.LastIndexOf('}') + 1)]).RootElement.GetProperty("error").Text("type"));
    }

    [Fact]
    public async Task Connections_that_send_nothing_more_do_not_keep_others_out()
    {
        var sockets = new List<TcpClient>();
        try
        {
            for (var number = 0; number < 300; number++)
            {
                sockets.Add(await ConnectAsync());
                var start = number % 2 == 0 ? "GET /v1/mod" : Post + "Content-Length: 5000\r\n\r\n{";
                await sockets[^1].GetStream().WriteAsync(Encoding.ASCII.GetBytes(start), TestTimeout.Token);
            }
            await node.AssertHealthyAsync();
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }

    private static string Lines(int count, Func<int, string> line) => string.Concat(Enumerable.Range(0, count).Select(number => line(number) + "\r\n"));

    private async Task<TcpClient> ConnectAsync()
    {
        var socket = new TcpClient();
        await socket.ConnectAsync(node.Url.Host, node.Url.Port, TestTimeout.Token);
        return socket;
    }

    /// <summary>Sends a request, and returns everything that the node answers until it closes the connection.</summary>
    /// <param name="request">The request.</param>
    /// <param name="half">Whether the client sends nothing more, and says so.</param>
    private async Task<string> ExchangeAsync(string request, bool half)
    {
        using var socket = await ConnectAsync();
        var stream = socket.GetStream();
        var answer = new MemoryStream();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request), TestTimeout.Token);
            if (half) socket.Client.Shutdown(SocketShutdown.Send);
            await stream.CopyToAsync(answer, TestTimeout.Token);
        }
        catch (IOException)
        {
            // The node has closed the connection while the request was sent.
        }
        return Encoding.UTF8.GetString(answer.ToArray());
    }
}
