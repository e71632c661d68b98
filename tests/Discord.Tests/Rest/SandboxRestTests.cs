using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>The client against the sandbox's Discord, with Discord's limits.</summary>
public sealed class SandboxRestTests
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(11);

    [Fact]
    public async Task Many_messages_to_many_channels_arrive_in_order_and_no_limit_is_ever_hit()
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(time: time);
        var accounts = DiscordSeeds.Accounts.Take(3).Select(user => rig.Rest(user)).ToList();
        Snowflake[] channels = [SandboxRig.General, SandboxRig.Fixed];

        var sends = from n in Enumerable.Range(0, 12)
                    from account in accounts
                    from channel in channels
                    select account.CreateMessage(channel, new NewMessage { Content = $"{account.Options.Name} {n}" }, TimeSpan.FromMinutes(2), rig.Stop);
        await Until.Done(Task.WhenAll(sends.ToList()), time, LongestPause);

        foreach (var channel in channels)
        {
            var posted = rig.Discord.MessagesOf(channel.ToString());
            foreach (var account in accounts)
            {
                var name = account.Options.Name;
                Assert.Equal(
                    Enumerable.Range(0, 12).Select(n => $"{name} {n}"),
                    posted.Select(message => message.Content).Where(content => content.StartsWith(name + " ", StringComparison.Ordinal)));
            }
        }
        Assert.Equal(0, rig.Discord.Records.Count(DiscordRecordKind.RateLimited));
        Assert.Equal(0, rig.Guard.Count);
    }

    [Theory]
    [InlineData(RestFaultKind.LoseAnswer)]
    [InlineData(RestFaultKind.Cut)]
    [InlineData(RestFaultKind.Status)]
    [InlineData(RestFaultKind.RateLimit)]
    public async Task Whatever_happens_to_a_send_it_is_posted_once_and_in_its_turn(RestFaultKind kind)
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(time: time);
        var account = rig.Rest(DiscordSeeds.Accounts[0]);
        await Send("first");
        rig.Discord.Fail(new RestFault { Kind = kind, Route = "POST /channels/", Times = 2, Status = 502, Scope = "shared" });

        await Until.Done(Task.WhenAll(Send("second"), Send("third")), time, LongestPause);

        Assert.Equal(["first", "second", "third"], rig.Discord.MessagesOf(SandboxRig.General.ToString()).Select(message => message.Content));
        Assert.Equal(0, rig.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        Assert.Equal(kind == RestFaultKind.LoseAnswer ? 2 : 0, rig.Discord.Records.Count(DiscordRecordKind.NonceMatched));

        Task<DiscordMessage> Send(string text) => account.CreateMessage(SandboxRig.General, new NewMessage { Content = text }, null, rig.Stop);
    }

    [Fact]
    public async Task Reads_side_by_side_keep_within_a_limit_that_nobody_told_beforehand()
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { OtherRoutes = new BucketLimit(5, TimeSpan.FromSeconds(2)) }, time);
        var account = rig.Rest(DiscordSeeds.Accounts[0]);

        await Until.Done(Task.WhenAll(Enumerable.Range(0, 40).Select(_ => account.GetMessages(SandboxRig.General, cancellationToken: rig.Stop))), time, LongestPause);

        Assert.Equal(40, rig.Discord.Records.Count(DiscordRecordKind.Request));
        Assert.Equal(0, rig.Discord.Records.Count(DiscordRecordKind.RateLimited));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task On_a_bad_day_every_message_is_posted_once_and_in_order(int seed)
    {
        var random = new Random(seed);
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(time: time);
        var accounts = DiscordSeeds.Accounts.Take(2).Select(user => rig.Rest(user, o => o with { MaxRetries = 20 })).ToList();
        Snowflake[] channels = [SandboxRig.General, SandboxRig.Fixed];
        for (var n = 0; n < 30; n++)
        {
            rig.Discord.Fail(new RestFault
            {
                Kind = (RestFaultKind)random.Next(4),
                Scope = random.Next(3) switch { 0 => "global", 1 => "shared", _ => "user" },
                Wait = TimeSpan.FromSeconds(random.Next(1, 4)),
                Status = random.Next(500, 504),
            });
        }

        var sends = from n in Enumerable.Range(0, 10)
                    from account in accounts
                    from channel in channels
                    select account.CreateMessage(channel, new NewMessage { Content = $"{account.Options.Name} {n}" }, TimeSpan.FromHours(1), rig.Stop);
        await Until.Done(Task.WhenAll(sends.ToList()), time, LongestPause);

        foreach (var (channel, account) in channels.SelectMany(channel => accounts.Select(account => (channel, account.Options.Name + " "))))
        {
            Assert.Equal(
                Enumerable.Range(0, 10).Select(n => $"{account}{n}"),
                rig.Discord.MessagesOf(channel.ToString()).Select(message => message.Content).Where(content => content.StartsWith(account, StringComparison.Ordinal)));
        }
        Assert.Equal(0, rig.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        Assert.True(rig.Discord.Records.Count(DiscordRecordKind.NonceMatched) > 0);
    }

    [Fact]
    public async Task Limits_that_others_used_up_are_waited_out_after_the_first_429()
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(time: time);
        var (one, other) = (rig.Rest(DiscordSeeds.Accounts[0]), rig.Rest(DiscordSeeds.Accounts[0]));
        for (var n = 0; n < 4; n++) await one.CreateMessage(SandboxRig.General, new NewMessage { Content = "x" }, null, rig.Stop);
        await other.CreateMessage(SandboxRig.General, new NewMessage { Content = "x" }, null, rig.Stop);

        // It believes that one is left.
        var late = one.CreateMessage(SandboxRig.General, new NewMessage { Content = "late" }, null, rig.Stop);
        await Until.Done(late, time, LongestPause);

        Assert.Equal(1, rig.Discord.Records.Count(DiscordRecordKind.RateLimited));
        Assert.Equal("late", rig.Discord.MessagesOf(SandboxRig.General.ToString())[^1].Content);
    }

    [Fact]
    public async Task Channels_and_threads_are_made_changed_and_deleted()
    {
        await using var rig = await SandboxRig.Start();
        var rest = rig.Rest(DiscordSeeds.Listeners[0]);
        var category = Snowflake.Parse(DiscordSeeds.Guilds[0].CategoryId);

        var channel = await rest.CreateChannel(SandboxRig.Guild, new NewChannel("talk") { ParentId = category, Topic = "marker" }, rig.Stop);
        var renamed = await rest.ModifyChannel(channel.Id, new ChannelChange { Name = "talk-2" }, rig.Stop);
        var listed = (await rest.GetGuildChannels(SandboxRig.Guild, rig.Stop)).Single(c => c.Id == channel.Id);
        var thread = await rest.CreateThread(channel.Id, new NewThread("side"), rig.Stop);
        var message = await rest.CreateMessage(channel.Id, new NewMessage { Content = "start" }, null, rig.Stop);
        var under = await rest.CreateThread(channel.Id, message.Id, new NewThread("under"), rig.Stop);
        var again = await rest.CreateThread(channel.Id, message.Id, new NewThread("under"), rig.Stop);

        Assert.Equal(("talk-2", "marker", category), (listed.Name, listed.Topic, listed.ParentId));
        Assert.Equal("talk-2", renamed.Name);
        Assert.Equal(DiscordChannelType.PublicThread, thread.Type);
        Assert.Equal((message.Id, message.Id), (under.Id, again.Id));
        Assert.True(await rest.DeleteChannel(channel.Id, rig.Stop));
        Assert.False(await rest.DeleteChannel(channel.Id, rig.Stop));
    }

    [Fact]
    public async Task Messages_are_read_page_by_page_edited_and_deleted()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { RateLimits = false });
        var rest = rig.Rest(DiscordSeeds.Listeners[0]);
        var sent = new List<DiscordMessage>();
        for (var n = 0; n < 5; n++) sent.Add(await rest.CreateMessage(SandboxRig.General, new NewMessage { Content = $"{n}", Nonce = $"n{n}" }, null, rig.Stop));

        var newest = await rest.GetMessages(SandboxRig.General, 2, cancellationToken: rig.Stop);
        var older = await rest.GetMessages(SandboxRig.General, 2, before: newest[^1].Id, cancellationToken: rig.Stop);
        var newer = await rest.GetMessages(SandboxRig.General, 2, after: sent[0].Id, cancellationToken: rig.Stop);
        var edited = await rest.EditMessage(SandboxRig.General, sent[0].Id, new MessageChange { Content = "edited" }, rig.Stop);

        Assert.Equal(["4", "3", "2", "1", "2", "1"], newest.Concat(older).Concat(newer).Select(message => message.Content));
        Assert.Equal("n0", sent[0].Nonce);
        Assert.NotNull(edited.EditedTimestamp);
        Assert.Equal("edited", (await rest.GetMessage(SandboxRig.General, sent[0].Id, rig.Stop)).Content);
        Assert.True(await rest.DeleteMessage(SandboxRig.General, sent[0].Id, rig.Stop));
        Assert.False(await rest.DeleteMessage(SandboxRig.General, sent[0].Id, rig.Stop));
    }

    [Fact]
    public async Task Files_arrive_with_their_names_and_bytes()
    {
        await using var rig = await SandboxRig.Start();
        var account = rig.Rest(DiscordSeeds.Accounts[0]);

        var message = await account.CreateMessage(
            SandboxRig.General, new NewMessage { Files = [DiscordFile.Of("图 1.png", "image/png", [1, 2, 3]), DiscordFile.Of("b.txt", null, "text"u8.ToArray())] }, null, rig.Stop);

        Assert.Equal([("图 1.png", 3L), ("b.txt", 4L)], message.Attachments!.Select(file => (file.Filename!, file.Size)));
        using var http = new HttpClient();
        Assert.Equal("text", await http.GetStringAsync(message.Attachments![1].Url, rig.Stop));
        Assert.Equal(["![图 1.png]", "[b.txt]"], MessageMedia.Of(message).Select(media => media.ToMarkdown().Split('(')[0]));
    }

    [Fact]
    public async Task Categories_that_are_full_or_gone_are_told_from_other_refusals()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { ChannelsPerCategory = 1 });
        var rest = rig.Rest(DiscordSeeds.Listeners[0]);
        Task<DiscordChannel> Make(Snowflake parent, string name = "x") => rest.CreateChannel(SandboxRig.Guild, new NewChannel(name) { ParentId = parent }, rig.Stop);

        var category = await rest.CreateChannel(SandboxRig.Guild, new NewChannel("Our chats", DiscordChannelType.Category), rig.Stop);
        var made = await Make(category.Id);
        var full = await Fails(Make(category.Id));
        await rest.DeleteChannel(category.Id, rig.Stop);
        var gone = await Fails(Make(category.Id));
        var none = await Fails(Make(made.Id));
        var other = await Fails(Make(Snowflake.Parse(DiscordSeeds.Guilds[0].CategoryId), new string('x', 101)));

        Assert.Equal(("Our chats", DiscordChannelType.Category, category.Id), (category.Name, category.Type, made.ParentId));
        Assert.Equal([true, true, true, false], new[] { full, gone, none, other }.Select(DiscordRefusal.IsParentRefused));
        Assert.Equal([true, false, false, false], new[] { full, gone, none, other }.Select(DiscordRefusal.IsCategoryFull));
    }

    [Fact]
    public async Task Refusals_have_their_errors()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { ChannelsPerGuild = 3 });
        var (listener, account) = (rig.Rest(DiscordSeeds.Listeners[0]), rig.Rest(DiscordSeeds.Accounts[0]));
        var unknown = new Snowflake(1);

        var full = await Fails(listener.CreateChannel(SandboxRig.Guild, new NewChannel("x"), rig.Stop));
        var gone = await Fails(account.CreateMessage(unknown, new NewMessage { Content = "x" }, null, rig.Stop));
        var field = await Fails(listener.CreateThread(SandboxRig.General, new NewThread(new string('x', 101)), rig.Stop));
        var forbidden = await Fails(account.CreateChannel(SandboxRig.Guild, new NewChannel("x"), rig.Stop));
        rig.Discord.DemandVerification(DiscordSeeds.Accounts[0].Id);
        var unverified = await Fails(account.GetCurrentUser(rig.Stop));
        rig.Discord.RevokeToken(DiscordSeeds.Accounts[0].Id);
        var revoked = await Fails(account.GetCurrentUser(rig.Stop));

        Assert.True(DiscordRefusal.IsGuildFull(full));
        Assert.Equal(ErrorCode.UpstreamNotFound, gone.Code);
        Assert.Contains("name: ", field.Message, StringComparison.Ordinal);
        Assert.Equal(
            [ErrorCode.UpstreamInvalidRequest, ErrorCode.UpstreamForbidden, ErrorCode.UpstreamUnauthorized, ErrorCode.UpstreamUnauthorized],
            new[] { field, forbidden, unverified, revoked }.Select(error => error.Code));
        Assert.Contains("verified", unverified.Message, StringComparison.Ordinal);
    }

    private static Task<ClusterException> Fails(Task task) => Assert.ThrowsAsync<ClusterException>(() => task);
}
