using System.Net;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Tests.Replies;

/// <summary>A key is revoked while replies to its requests are running.</summary>
public sealed class RevokedKeyTests
{
    private const string Error = """{"error":{"message":"The API key was revoked.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}""";

    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Running_stream_ends_with_an_error_and_without_DONE()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending;

        host.Grains.Fleet.Revoke("sk-test");

        var events = await SseReader.ReadAll(response).WaitAsync(Hang);
        Assert.Equal(Error, events[^1].Data);
        Assert.DoesNotContain(events, e => e.Data.Contains("finish_reason\":\"stop", StringComparison.Ordinal));
        await conversation.Cancelled.Task.WaitAsync(Hang);
    }

    [Fact]
    public async Task Running_request_for_a_whole_reply_gets_401()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Chat(GatewayHost.Body());
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));

        host.Grains.Fleet.Revoke("sk-test");

        using var response = await pending.WaitAsync(Hang);
        Assert.Equal((HttpStatusCode.Unauthorized, Error), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        await conversation.Cancelled.Task.WaitAsync(Hang);
    }

    [Fact]
    public async Task Turn_that_may_be_wanted_under_another_key_of_the_tenant_continues()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream(change: request => request.Headers.Add("idempotency-key", "k"));
        var conversation = await host.WaitForTurn();

        host.Grains.Fleet.Revoke("sk-test");

        using var response = await pending.WaitAsync(Hang);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        await conversation.Unsubscribed.Task.WaitAsync(Hang);
        Assert.False(conversation.Cancelled.Task.IsCompleted);
    }

    [Fact]
    public async Task Replies_of_other_keys_continue()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();

        host.Grains.Fleet.Revoke("sk-other");
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var response = await pending;
        Assert.Equal("[DONE]", (await SseReader.ReadAll(response)).Last().Data);
    }

    [Fact]
    public async Task Key_that_was_revoked_since_its_request_was_authenticated_starts_no_turn()
    {
        var grains = new FakeGrains();
        // Runs after the authentication, and before the request reaches its route.
        await using var host = await GatewayHost.Start(grains: grains, map: app => app.Use((HttpContext context, RequestDelegate next) =>
        {
            grains.Fleet.Revoke("sk-test", silently: true);
            return next(context);
        }));

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal((HttpStatusCode.Unauthorized, Error), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.DoesNotContain(host.Grains.Conversations, conversation => conversation.Request is not null);
    }
}
