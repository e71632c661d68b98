
namespace CozeCluster.Discord.Tests;

public sealed class DiscordRestTests
{
    private static readonly Snowflake Guild = new(1);
    private static readonly Snowflake Message = new(5);

    [Fact]
    public async Task Calls_go_where_Discord_documents_them()
    {
        await using var rig = new RestRig(await RestServer.Start((context, request) =>
            RestServer.Answer(request is { Method: "GET" } && (request.Path.Contains("messages?", StringComparison.Ordinal) || request.Path == "/guilds/1/channels") ? "[]" : """{"id":"3"}""")(context)));
        var (rest, stop, channel) = (rig.Rest, rig.Stop, RestRig.Channel);

        await rest.GetGuild(Guild, stop);
        await rest.GetGuildChannels(Guild, stop);
        await rest.CreateChannel(Guild, new NewChannel("c", DiscordChannelType.Category) { Topic = "t" }, stop);
        await rest.ModifyChannel(channel, new ChannelChange { Name = "n" }, stop);
        await rest.DeleteChannel(channel, stop);
        await rest.CreateThread(channel, new NewThread("t", 60), stop);
        await rest.CreateThread(channel, Message, new NewThread("t"), stop);
        await rest.GetMessages(channel, 100, after: Message, cancellationToken: stop);
        await rest.GetMessages(channel, 1, before: Message, cancellationToken: stop);
        await rest.GetMessage(channel, Message, stop);
        await rest.EditMessage(channel, Message, new MessageChange { Content = "e" }, stop);
        await rest.DeleteMessage(channel, Message, stop);
        await rest.ShowTyping(channel, stop);

        Assert.Equal(
            [
                "GET /guilds/1 ", "GET /guilds/1/channels ", """POST /guilds/1/channels {"name":"c","type":4,"topic":"t"}""",
                """PATCH /channels/111 {"name":"n"}""", "DELETE /channels/111 ",
                """POST /channels/111/threads {"name":"t","auto_archive_duration":60,"type":11}""", """POST /channels/111/messages/5/threads {"name":"t"}""",
                "GET /channels/111/messages?limit=100&after=5 ", "GET /channels/111/messages?limit=1&before=5 ", "GET /channels/111/messages/5 ",
                """PATCH /channels/111/messages/5 {"content":"e"}""", "DELETE /channels/111/messages/5 ", "POST /channels/111/typing ",
            ],
            rig.Requests.Select(request => $"{request} {request.Body}"));
    }

    [Fact]
    public async Task Deleting_what_is_gone_is_no_error()
    {
        await using var rig = new RestRig(await RestServer.Start(
            RestServer.Answer("""{"code":10003,"message":"Unknown Channel"}""", 404), RestServer.Answer("", 204), RestServer.Answer("""{"code":50013}""", 403)));

        Assert.False(await rig.Rest.DeleteChannel(RestRig.Channel, rig.Stop));
        Assert.True(await rig.Rest.DeleteChannel(RestRig.Channel, rig.Stop));
        Assert.Equal(ErrorCode.UpstreamForbidden, (await rig.Fails(rig.Rest.DeleteChannel(RestRig.Channel, rig.Stop))).Code);
    }

    [Fact]
    public async Task A_message_that_has_a_thread_already_gives_that_thread()
    {
        await using var rig = new RestRig(await RestServer.Start(
            RestServer.Answer("""{"code":160004,"message":"A thread has already been created for this message"}""", 400), RestServer.Answer("""{"id":"5","type":11}""")));

        var thread = await rig.Rest.CreateThread(RestRig.Channel, Message, new NewThread("t"), rig.Stop);

        Assert.Equal((Message, DiscordChannelType.PublicThread), (thread.Id, thread.Type));
        Assert.Equal("GET /channels/5", rig.Requests[1].ToString());
    }

    [Fact]
    public async Task A_full_guild_can_be_told_from_other_errors()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Answer("""{"code":30013,"message":"Maximum number of server channels reached (500)"}""", 400)));

        var error = await rig.Fails(rig.Rest.CreateChannel(Guild, new NewChannel("c"), rig.Stop));

        Assert.True(DiscordRefusal.IsGuildFull(error));
        Assert.False(DiscordRefusal.IsGuildFull(new ClusterException(ErrorCode.UpstreamFailed, "other")));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("[]")]
    public async Task Answers_that_are_not_Discords_are_protocol_errors(string body)
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Answer(body)));

        Assert.Equal(ErrorCode.UpstreamProtocol, (await rig.Fails(rig.Rest.GetCurrentUser(rig.Stop))).Code);
    }

    [Fact]
    public async Task Where_the_gateway_is_and_what_is_left_of_the_day_is_read()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Answer(
            """{"url":"wss://g","shards":2,"session_start_limit":{"total":1000,"remaining":7,"reset_after":1500,"max_concurrency":16}}""")));

        var bot = await rig.Rest.GetGatewayBot(rig.Stop);

        Assert.Equal(("wss://g", 2, 7, 1500L, 16), (bot.Url, bot.Shards, bot.SessionStartLimit.Remaining, bot.SessionStartLimit.ResetAfter, bot.SessionStartLimit.MaxConcurrency));
    }
}
