using System.Net.Sockets;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>Clients whose connection ends in the middle of the request body: nobody is there to hear an error, and none is ours.</summary>
public sealed class BrokenBodyTests
{
    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/images/generations")]
    public async Task A_reset_in_the_middle_of_the_body_is_logged_as_a_client_that_went(string path)
    {
        await using var host = await GatewayHost.Start();
        using var client = await SendHalf(host, path);

        // Without lingering, and without a shutdown before: a reset is all the server sees.
        client.Close(0);

        var line = await Logged(host, path);
        Assert.Contains(" 499 ", line, StringComparison.Ordinal);
        Assert.Contains("error Cancelled", line, StringComparison.Ordinal);
        Assert.False(host.Log.Lines.Any(IsError), string.Join("\n", host.Log.Lines));
    }

    [Fact]
    public async Task A_body_that_ends_too_soon_is_the_clients_mistake()
    {
        await using var host = await GatewayHost.Start();
        using var client = await SendHalf(host, "/v1/chat/completions");

        client.Shutdown(SocketShutdown.Send);

        await Logged(host, "/v1/chat/completions");
        Assert.False(host.Log.Lines.Any(IsError), string.Join("\n", host.Log.Lines));
    }

    private static bool IsError(string line) => line.StartsWith("Error", StringComparison.Ordinal);

    /// <summary>Returns once the server reads the body, of which a part is there.</summary>
    private static async Task<Socket> SendHalf(GatewayHost host, string path)
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync("127.0.0.1", host.Http.BaseAddress!.Port);
        await client.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-test\r\ncontent-type: application/json\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n"));
        // It says so when it begins to read.
        await using var stream = new NetworkStream(client, ownsSocket: false);
        var answer = new byte[25];
        await stream.ReadExactlyAsync(answer).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Encoding.ASCII.GetString(answer));
        await client.SendAsync("{\"model\":"u8.ToArray());
        return client;
    }

    private static async Task<string> Logged(GatewayHost host, string path)
    {
        string? line = null;
        await Until.True(() => (line = host.Log.Lines.FirstOrDefault(one => one.Contains($" POST {path} ", StringComparison.Ordinal) && one.Contains(", tenant ", StringComparison.Ordinal))) is not null);
        return line!;
    }
}
