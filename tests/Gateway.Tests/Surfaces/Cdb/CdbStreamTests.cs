using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdb;

/// <summary><c>/api/ChatStream</c>.</summary>
public sealed class CdbStreamTests
{
    private static readonly (string, string) Key = ("key", "sk-test");

    [Theory]
    [InlineData(null, """{"prompt":"Ah, I see","prompt_all":"Ah, I see","prompt_new":"","files":[],"done":true}""")]
    [InlineData("done", """{"prompt_all":"Ah, I see","prompt_new":"","files":[],"done":true}""")]
    [InlineData("prompt", """{"prompt":"Ah, I see","files":[]}""")]
    public async Task Cdb_stream_ends_in_both_documented_shapes(string? option, string end)
    {
        await using var host = await OldClients.Start(
            CompatMode.Cdb, [Reply.Text("Ah, "), Reply.Text("I see", offset: 4), Reply.Stop()],
            option is null ? null : OldClients.With(("stream_end", option)));
        await host.Grains.Bridge().Create("1201576967368085686", "talk");

        using var response = await host.Send("GET", "/api/ChatStream?name=1201576967368085686&prompt=1", null, Key);
        var text = await response.Content.ReadAsStringAsync();

        Assert.Equal(
            $$$"""
            data: {"code":200,"message":"生成中..","data":{"prompt_all":"Ah, I see","prompt_new":"Ah, I see","files":[],"done":false}}

            data: {"code":200,"message":"成功!","data":{{{end}}}}


            """,
            text);
    }

    [Fact]
    public async Task Cdb_stream_sends_what_is_new_twice_a_second()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, new FakeGrains());
        await host.Grains.Bridge().Create("1", "talk");
        var asking = host.Send("GET", "/api/ChatStream?name=talk&prompt=1", null, Key);
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        using var response = await asking;
        await using var reader = new SseReader(response);
        Assert.Equal(("a", "a"), Parts(await reader.Next()));

        // Held back, until its time has come.
        await conversation.Post(new Cursor(0, 2), Reply.Text("b", offset: 1));
        var next = reader.Next();
        await Until.True(() =>
        {
            host.Time.Advance(TimeSpan.FromMilliseconds(100));
            return next.IsCompleted;
        });
        Assert.Equal(("ab", "b"), Parts(await next));

        // Held back, and sent with the end: the end does not wait, and nothing is lost.
        await conversation.Post(new Cursor(0, 3), Reply.Text("c", offset: 2));
        await conversation.Post(new Cursor(0, 4), Reply.Text("d", offset: 3));
        await conversation.Post(new Cursor(0, 5), Reply.Text("e", offset: 4), Reply.Stop());
        Assert.Equal(("abcde", "cde"), Parts(await reader.Next()));
        Assert.True((await reader.Next())!.Json.GetProperty("data").GetProperty("done").GetBoolean());
        Assert.Null(await reader.Next());
        Assert.False(reader.IsCut);
    }

    [Fact]
    public async Task Cdb_stream_of_a_rewritten_text_sends_it_anew()
    {
        var grains = new FakeGrains
        {
            OnBegin = async conversation =>
            {
                await conversation.Post(new Cursor(0, 5), Reply.Text("Hello"));
                await conversation.Post(new Cursor(0, 3, 1), new ReplyRewritten(0, 1), Reply.Text("i!", offset: 1), Reply.Stop());
            },
        };
        await using var host = await OldClients.Start(CompatMode.Cdb, grains);
        await host.Grains.Bridge().Create("1", "talk");

        using var response = await host.Send("GET", "/api/ChatStream?name=talk&prompt=1", null, Key);
        var events = await SseReader.ReadAll(response);

        Assert.Equal("Hi!", events[^1].Json.GetProperty("data").GetProperty("prompt_all").GetString());
        Assert.Equal(("Hi!", "Hi!"), Parts(events[^2]));
    }

    [Fact]
    public async Task Cdb_stream_that_is_cut_never_looks_whole()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("He"), Reply.Failed(ErrorCode.UpstreamTimeout, "Too late.")]);
        await host.Grains.Bridge().Create("1", "talk");

        using var response = await host.Send("GET", "/api/ChatStream?name=talk&prompt=1", null, Key);
        await using var reader = new SseReader(response);
        var events = new List<SseEvent>();
        while (await reader.Next() is { } next) events.Add(next);

        Assert.True(reader.IsCut);
        Assert.Equal("""{"code":400,"message":"RecvMsgException:Too late.","data":{"status":false}}""", events[^1].Data);
        Assert.DoesNotContain(events, e => e.Data.Contains("\"done\":true", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cdb_turn_continues_when_its_client_disconnects()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, new FakeGrains());
        await host.Grains.Bridge().Create("1", "talk");
        var asking = host.Send("GET", "/api/ChatStream?name=talk&prompt=1", null, Key);
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        (await asking).Dispose();

        await conversation.Unsubscribed.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.DoesNotContain("cancel", conversation.Calls);
    }

    private static (string?, string?) Parts(SseEvent? received)
    {
        var data = received!.Json.GetProperty("data");
        Assert.Equal(JsonValueKind.False, data.GetProperty("done").ValueKind);
        return (data.GetProperty("prompt_all").GetString(), data.GetProperty("prompt_new").GetString());
    }
}
