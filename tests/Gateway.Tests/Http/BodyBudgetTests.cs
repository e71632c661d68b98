using System.Net;
using System.Net.Sockets;
using System.Text;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>How many bytes of request bodies a node holds at the same time.</summary>
public sealed class BodyBudgetTests
{
    private const int MaxBody = 1 << 20;

    [Fact]
    public async Task Large_bodies_of_one_tenant_beyond_its_part_get_429_until_one_of_them_has_ended()
    {
        await using var host = await GatewayHost.Start(options => (options.MaxBodyBytes, options.MaxBodyBytesInFlight) = (MaxBody, 4 * MaxBody));
        using var first = await SendHalf(host, "sk-test");

        using var second = await host.Chat(LargeBody());

        Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limit_exceeded"), (second.StatusCode, await second.ReadError("code")));
        Assert.Equal("1", second.Headers.GetValues("retry-after").Single());

        first.Close();
        await Until.True(() => host.Services.GetRequiredService<BodyBudget>().BytesInFlight == 0);
        using var third = await host.Chat(LargeBody());
        Assert.Equal(HttpStatusCode.BadRequest, third.StatusCode);
    }

    [Fact]
    public async Task Small_bodies_are_accepted_while_the_budget_is_used_up()
    {
        await using var host = await GatewayHost.Start(options => (options.MaxBodyBytes, options.MaxBodyBytesInFlight) = (MaxBody, MaxBody));
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        using var held = await SendHalf(host, "sk-test");

        using var small = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.OK, small.StatusCode);
    }

    [Theory]
    [InlineData(2049, 1)]
    [InlineData(1, 4097)]
    public async Task More_messages_or_parts_than_the_limits_are_rejected(int messages, int parts)
    {
        await using var host = await GatewayHost.Start();
        var content = parts == 1 ? "\"a\"" : $"[{string.Join(',', Enumerable.Repeat("{\"type\":\"text\",\"text\":\"a\"}", parts))}]";
        var all = string.Join(',', Enumerable.Repeat($$"""{"role":"user","content":{{content}}}""", messages));

        using var response = await host.Chat($$"""{"model":"bot","messages":[{{all}}]}""");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("messages", await response.ReadError("param"), StringComparison.Ordinal);
    }

    // More than half of the largest body, and not JSON, so that no turn begins.
    private static string LargeBody() => new('x', MaxBody * 6 / 10);

    /// <summary>Sends more than half of the largest body and keeps the connection open; returns when the server has read it.</summary>
    private static async Task<Socket> SendHalf(GatewayHost host, string key)
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync("127.0.0.1", host.Http.BaseAddress!.Port);
        var head = $"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
            + $"content-length: {MaxBody}\r\n\r\n";
        await client.SendAsync(Encoding.ASCII.GetBytes(head + LargeBody()));
        await Until.True(() => host.Services.GetRequiredService<BodyBudget>().BytesInFlight >= LargeBody().Length);
        return client;
    }
}
