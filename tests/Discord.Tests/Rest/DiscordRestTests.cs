
namespace CozeCluster.Discord.Tests;

public sealed class DiscordRestTests
{
    private static readonly Snowflake Guild = new(1);
    private static readonly Snowflake Message = new(5);

    [Fact]
    public async Task Requests_are_sent_as_Discord_documents_them()
    {
        await using var rig = new RestRig(await RestServer.Start((context, request) =>
        {
            var isList = request.Method == "GET" && (request.Path.Contains("messages?", StringComparison.Ordinal) || request.Path == "/guilds/1/channels");
            return RestServer.Respond(isList ? "[]" : """{"id":"3"}""")(context);
        }));
        var (rest, stop, channel) = (rig.Rest, rig.Timeout, RestRig.Channel);

        await rest.GetGuild(Guild, stop);
        await rest.GetGuildChannels(Guild, stop);
        await rest.CreateChannel(Guild, new NewChannel("c", DiscordChannelType.Category) { Topic = "t" }, stop);
        await rest.ModifyChannel(channel, new ChannelChange { Name = "n" }, stop);
        await rest.DeleteChannel(channel, stop);
        await rest.CreateThread(channel, new NewThread("t", 60), stop);
        await rest.GetMessages(channel, 100, after: Message, cancellationToken: stop);
        await rest.GetMessages(channel, 1, before: Message, cancellationToken: stop);
        await rest.GetMessage(channel, Message, stop);
        await rest.DeleteMessage(channel, Message, stop);

        Assert.Equal(
            [
                "GET /guilds/1 ", "GET /guilds/1/channels ", """POST /guilds/1/channels {"name":"c","type":4,"topic":"t"}""",
                """PATCH /channels/111 {"name":"n"}""", "DELETE /channels/111 ",
                """POST /channels/111/threads {"name":"t","auto_archive_duration":60,"type":11}""",
                "GET /channels/111/messages?limit=100&after=5 ", "GET /channels/111/messages?limit=1&before=5 ", "GET /channels/111/messages/5 ",
                "DELETE /channels/111/messages/5 ",
            ],
            rig.Requests.Select(request => $"{request} {request.Body}"));
    }

    [Fact]
    public async Task Deleting_a_missing_channel_is_not_an_error()
    {
        await using var rig = new RestRig(await RestServer.Start(
            RestServer.Respond("""{"code":10003,"message":"Unknown Channel"}""", 404),
            RestServer.Respond("", 204),
            RestServer.Respond("""{"code":50013}""", 403)));

        Assert.False(await rig.Rest.DeleteChannel(RestRig.Channel, rig.Timeout));
        Assert.True(await rig.Rest.DeleteChannel(RestRig.Channel, rig.Timeout));
        Assert.Equal(ErrorCode.UpstreamForbidden, (await rig.ExpectError(rig.Rest.DeleteChannel(RestRig.Channel, rig.Timeout))).Code);
    }

    [Fact]
    public async Task Full_guild_is_distinguished_from_other_errors()
    {
        await using var rig = new RestRig(await RestServer.Start(
            RestServer.Respond("""{"code":30013,"message":"Maximum number of server channels reached (500)"}""", 400)));

        var error = await rig.ExpectError(rig.Rest.CreateChannel(Guild, new NewChannel("c"), rig.Timeout));

        Assert.True(DiscordErrorException.IsGuildFull(error));
        Assert.False(DiscordErrorException.IsGuildFull(new ClusterException(ErrorCode.UpstreamFailed, "other")));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("[]")]
    public async Task Undocumented_responses_are_protocol_errors(string body)
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond(body)));

        Assert.Equal(ErrorCode.UpstreamProtocol, (await rig.ExpectError(rig.Rest.GetCurrentUser(rig.Timeout))).Code);
    }

    [Fact]
    public async Task Gateway_address_and_identify_limit_are_read()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond(
            """{"url":"wss://g","shards":2,"session_start_limit":{"total":1000,"remaining":7,"reset_after":1500,"max_concurrency":16}}""")));

        var bot = await rig.Rest.GetGatewayBot(rig.Timeout);

        var limit = bot.SessionStartLimit;
        Assert.Equal(("wss://g", 2, 7, 1500L, 16), (bot.Url, bot.Shards, limit.Remaining, limit.ResetAfter, limit.MaxConcurrency));
    }
}
