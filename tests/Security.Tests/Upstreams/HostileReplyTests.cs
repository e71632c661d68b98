using System.Text.Json;

namespace CozeCluster.Security.Tests.Upstreams;

/// <summary>
/// Whatever an upstream sends in place of a reply, the client receives an honest error, as a status or in the stream, and never the end of a whole reply.
/// The node keeps its memory, and other models work.
/// </summary>
[Collection(nameof(HostileCoze))]
public sealed class HostileReplyTests(HostileCozeFixture node)
{
    private const int AtOnce = 2;

    public static TheoryData<string> Replies => [.. HostileReplies.All.Keys];

    [Theory]
    [MemberData(nameof(Replies))]
    public async Task A_hostile_reply_ends_with_an_error(string name)
    {
        var streams = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => StreamAsync(node.ModelOf(name))));

        Assert.All(streams, code => Assert.Matches($"^({HostileReplies.All[name].Codes})$", code));
        await AssertHealthyAsync();
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_to_another_server_is_not_followed(int status)
    {
        var code = await StreamAsync($"redirect-{status}");

        Assert.Equal("upstream_protocol_error", code);
        Assert.Equal(0, node.Other.Requests);
    }

    /// <summary>Requests a stream that must end with an error.</summary>
    /// <returns>The code of the error.</returns>
    private async Task<string> StreamAsync(string model)
    {
        var request = new ChatRequest(node.Http, null, model, "").AsStream();
        using var response = await request.SendAsync();
        if (!response.IsSuccessStatusCode)
        {
            var answer = await ApiResponse.ReadAsync(response);
            Assert.InRange(answer.Status, 400, 599);
            return CheckError(answer.Error);
        }
        await using var open = await OpenReply.OpenAsync(response, TestTimeout.Token);
        var reply = await open.ReadAllAsync(TestTimeout.Token);
        Assert.Null(reply.FinishReason);
        Assert.False(reply.IsDone);
        return CheckError(reply.Error);
    }

    private static string CheckError(JsonElement error)
    {
        Assert.Equal(JsonValueKind.Object, error.ValueKind);
        Assert.NotEmpty(error.Text("message")!);
        Assert.DoesNotContain("<script", error.Text("message"), StringComparison.Ordinal);
        Assert.NotEqual("internal_error", error.Text("code"));
        return error.Text("code")!;
    }

    private async Task AssertHealthyAsync()
    {
        var reply = await new ChatRequest(node.Http, null, HostileCozeFixture.SoundModel, "say=well").StreamAsync();
        Assert.Equal(("well", "stop"), (reply.Text, reply.FinishReason));
        Assert.DoesNotContain("OutOfMemory", node.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("unexpected error", node.Log, StringComparison.Ordinal);
    }
}
