using System.Net.Sockets;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>Clients whose connection ends in the middle of the request body. No client is left to receive an error, and the server made no mistake.</summary>
public sealed class BrokenBodyTests
{
    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/images/generations")]
    public async Task Reset_in_the_middle_of_the_body_is_logged_as_client_disconnect(string path)
    {
        await using var host = await GatewayHost.Start();
        using var client = await SendHalf(host, path);

        // Without lingering and without a shutdown before, the server receives only a reset.
        client.Close(0);

        var line = await WaitForLogLine(host, path);
        Assert.Contains(" 499 ", line, StringComparison.Ordinal);
        Assert.Contains("error Cancelled", line, StringComparison.Ordinal);
        Assert.False(host.Log.Lines.Any(IsError), string.Join("\n", host.Log.Lines));
    }

    [Fact]
    public async Task Body_that_ends_too_early_is_not_logged_as_an_error()
    {
        await using var host = await GatewayHost.Start();
        using var client = await SendHalf(host, "/v1/chat/completions");

        client.Shutdown(SocketShutdown.Send);

        await WaitForLogLine(host, "/v1/chat/completions");
        Assert.False(host.Log.Lines.Any(IsError), string.Join("\n", host.Log.Lines));
    }

    private static bool IsError(string line) => line.StartsWith("Error", StringComparison.Ordinal);

    /// <summary>Sends a part of the body, and returns when the server reads it.</summary>
    private static async Task<Socket> SendHalf(GatewayHost host, string path)
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync("127.0.0.1", host.Http.BaseAddress!.Port);
        await client.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-test\r\n" +
            "content-type: application/json\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n"));
        // The server sends this when it starts to read.
        await using var stream = new NetworkStream(client, ownsSocket: false);
        var answer = new byte[25];
        await stream.ReadExactlyAsync(answer).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Encoding.ASCII.GetString(answer));
        await client.SendAsync("{\"model\":"u8.ToArray());
        return client;
    }

    private static async Task<string> WaitForLogLine(GatewayHost host, string path)
    {
        bool IsRequestLine(string line) => line.Contains($" POST {path} ", StringComparison.Ordinal) && line.Contains(", tenant ", StringComparison.Ordinal);
        await Until.True(() => host.Log.Lines.Any(IsRequestLine));
        return host.Log.Lines.First(IsRequestLine);
    }
}
