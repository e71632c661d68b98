using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>The REST client with the sandbox's Discord, which has Discord's limits.</summary>
public sealed class SandboxRestTests
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(11);

    [Fact]
    public async Task Many_messages_to_several_channels_arrive_in_order_without_a_429()
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(time: time);
        var accounts = DiscordSeeds.Accounts.Take(3).Select(user => rig.Rest(user)).ToList();
        Snowflake[] channels = [SandboxRig.General, SandboxRig.Fixed];

        var sends = from n in Enumerable.Range(0, 12)
                    from account in accounts
                    from channel in channels
                    select account.CreateMessage(channel, new NewMessage { Content = $"{account.Options.Name} {n}" }, TimeSpan.FromMinutes(2), rig.Timeout);
        await Until.Completed(Task.WhenAll(sends.ToList()), time, LongestPause);

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
    public async Task Message_is_posted_once_and_in_order_in_spite_of_faults(RestFaultKind kind)
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(time: time);
        var account = rig.Rest(DiscordSeeds.Accounts[0]);
        await Send("first");
        rig.Discord.Fail(new RestFault { Kind = kind, Route = "POST /channels/", Times = 2, Status = 502, Scope = "shared" });

        await Until.Completed(Task.WhenAll(Send("second"), Send("third")), time, LongestPause);

        Assert.Equal(["first", "second", "third"], rig.Discord.MessagesOf(SandboxRig.General.ToString()).Select(message => message.Content));
        Assert.Equal(0, rig.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        Assert.Equal(kind == RestFaultKind.LoseAnswer ? 2 : 0, rig.Discord.Records.Count(DiscordRecordKind.NonceMatched));

        Task<DiscordMessage> Send(string text) => account.CreateMessage(SandboxRig.General, new NewMessage { Content = text }, null, rig.Timeout);
    }

    [Fact]
    public async Task Concurrent_reads_keep_a_limit_that_is_not_known_in_advance()
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { OtherRoutes = new BucketLimit(5, TimeSpan.FromSeconds(2)) }, time);
        var account = rig.Rest(DiscordSeeds.Accounts[0]);

        var reads = Enumerable.Range(0, 40).Select(_ => account.GetMessages(SandboxRig.General, cancellationToken: rig.Timeout));
        await Until.Completed(Task.WhenAll(reads), time, LongestPause);

        Assert.Equal(40, rig.Discord.Records.Count(DiscordRecordKind.Request));
        Assert.Equal(0, rig.Discord.Records.Count(DiscordRecordKind.RateLimited));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_message_is_posted_once_and_in_order_in_spite_of_many_faults(int seed)
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
                    select account.CreateMessage(channel, new NewMessage { Content = $"{account.Options.Name} {n}" }, TimeSpan.FromHours(1), rig.Timeout);
        await Until.Completed(Task.WhenAll(sends.ToList()), time, LongestPause);

        foreach (var (channel, account) in channels.SelectMany(channel => accounts.Select(account => (channel, account.Options.Name + " "))))
        {
            Assert.Equal(
                Enumerable.Range(0, 10).Select(n => $"{account}{n}"),
                rig.Discord.MessagesOf(channel.ToString())
                    .Select(message => message.Content)
                    .Where(content => content.StartsWith(account, StringComparison.Ordinal)));
        }
        Assert.Equal(0, rig.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        Assert.True(rig.Discord.Records.Count(DiscordRecordKind.NonceMatched) > 0);
    }

    [Fact]
    public async Task Limit_that_another_client_exhausted_is_waited_for_after_the_first_429()
    {
        var time = new ManualTime();
        await using var rig = await SandboxRig.Start(time: time);
        var (one, other) = (rig.Rest(DiscordSeeds.Accounts[0]), rig.Rest(DiscordSeeds.Accounts[0]));
        for (var n = 0; n < 4; n++) await one.CreateMessage(SandboxRig.General, new NewMessage { Content = "x" }, null, rig.Timeout);
        await other.CreateMessage(SandboxRig.General, new NewMessage { Content = "x" }, null, rig.Timeout);

        // This client believes that one request is left.
        var late = one.CreateMessage(SandboxRig.General, new NewMessage { Content = "late" }, null, rig.Timeout);
        await Until.Completed(late, time, LongestPause);

        Assert.Equal(1, rig.Discord.Records.Count(DiscordRecordKind.RateLimited));
        Assert.Equal("late", rig.Discord.MessagesOf(SandboxRig.General.ToString())[^1].Content);
    }

    [Fact]
    public async Task Channels_and_threads_are_created_changed_and_deleted()
    {
        await using var rig = await SandboxRig.Start();
        var rest = rig.Rest(DiscordSeeds.Listeners[0]);
        var category = Snowflake.Parse(DiscordSeeds.Guilds[0].CategoryId);

        var channel = await rest.CreateChannel(SandboxRig.Guild, new NewChannel("talk") { ParentId = category, Topic = "marker" }, rig.Timeout);
        var renamed = await rest.ModifyChannel(channel.Id, new ChannelChange { Name = "talk-2" }, rig.Timeout);
        var listed = (await rest.GetGuildChannels(SandboxRig.Guild, rig.Timeout)).Single(c => c.Id == channel.Id);
        var thread = await rest.CreateThread(channel.Id, new NewThread("side"), rig.Timeout);

        Assert.Equal(("talk-2", "marker", category), (listed.Name, listed.Topic, listed.ParentId));
        Assert.Equal("talk-2", renamed.Name);
        Assert.Equal(DiscordChannelType.PublicThread, thread.Type);
        Assert.True(await rest.DeleteChannel(channel.Id, rig.Timeout));
        Assert.False(await rest.DeleteChannel(channel.Id, rig.Timeout));
    }

    [Fact]
    public async Task Messages_are_read_page_by_page_and_deleted()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { RateLimits = false });
        var rest = rig.Rest(DiscordSeeds.Listeners[0]);
        var sent = new List<DiscordMessage>();
        for (var n = 0; n < 5; n++)
        {
            sent.Add(await rest.CreateMessage(SandboxRig.General, new NewMessage { Content = $"{n}", Nonce = $"n{n}" }, null, rig.Timeout));
        }

        var newest = await rest.GetMessages(SandboxRig.General, 2, cancellationToken: rig.Timeout);
        var older = await rest.GetMessages(SandboxRig.General, 2, before: newest[^1].Id, cancellationToken: rig.Timeout);
        var newer = await rest.GetMessages(SandboxRig.General, 2, after: sent[0].Id, cancellationToken: rig.Timeout);

        Assert.Equal(["4", "3", "2", "1", "2", "1"], newest.Concat(older).Concat(newer).Select(message => message.Content));
        Assert.Equal("n0", sent[0].Nonce);
        Assert.Equal("0", (await rest.GetMessage(SandboxRig.General, sent[0].Id, rig.Timeout)).Content);
        Assert.True(await rest.DeleteMessage(SandboxRig.General, sent[0].Id, rig.Timeout));
        Assert.False(await rest.DeleteMessage(SandboxRig.General, sent[0].Id, rig.Timeout));
    }

    [Fact]
    public async Task Files_arrive_with_their_names_and_bytes()
    {
        await using var rig = await SandboxRig.Start();
        var account = rig.Rest(DiscordSeeds.Accounts[0]);

        DiscordFile[] files = [DiscordFile.Of("图 1.png", "image/png", [1, 2, 3]), DiscordFile.Of("b.txt", null, "text"u8.ToArray())];
        var message = await account.CreateMessage(SandboxRig.General, new NewMessage { Files = files }, null, rig.Timeout);

        Assert.Equal([("图 1.png", 3L), ("b.txt", 4L)], message.Attachments!.Select(file => (file.Filename!, file.Size)));
        using var http = new HttpClient();
        Assert.Equal("text", await http.GetStringAsync(message.Attachments![1].Url, rig.Timeout));
        Assert.Equal(["![图 1.png]", "[b.txt]"], MessageMedia.In(message).Select(media => media.ToMarkdown().Split('(')[0]));
    }

    [Fact]
    public async Task Full_and_missing_categories_are_distinguished_from_other_errors()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { ChannelsPerCategory = 1 });
        var rest = rig.Rest(DiscordSeeds.Listeners[0]);
        Task<DiscordChannel> Create(Snowflake parent, string name = "x") =>
            rest.CreateChannel(SandboxRig.Guild, new NewChannel(name) { ParentId = parent }, rig.Timeout);

        var category = await rest.CreateChannel(SandboxRig.Guild, new NewChannel("Our chats", DiscordChannelType.Category), rig.Timeout);
        var created = await Create(category.Id);
        var full = await ExpectError(Create(category.Id));
        await rest.DeleteChannel(category.Id, rig.Timeout);
        var missing = await ExpectError(Create(category.Id));
        var none = await ExpectError(Create(created.Id));
        var other = await ExpectError(Create(Snowflake.Parse(DiscordSeeds.Guilds[0].CategoryId), new string('x', 101)));

        Assert.Equal(("Our chats", DiscordChannelType.Category, category.Id), (category.Name, category.Type, created.ParentId));
        Assert.Equal([true, true, true, false], new[] { full, missing, none, other }.Select(DiscordErrorException.IsParentRejected));
        Assert.Equal([true, false, false, false], new[] { full, missing, none, other }.Select(DiscordErrorException.IsCategoryFull));
    }

    [Fact]
    public async Task Error_responses_are_mapped()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { ChannelsPerGuild = 3 });
        var (listener, account) = (rig.Rest(DiscordSeeds.Listeners[0]), rig.Rest(DiscordSeeds.Accounts[0]));
        var unknown = new Snowflake(1);

        var full = await ExpectError(listener.CreateChannel(SandboxRig.Guild, new NewChannel("x"), rig.Timeout));
        var gone = await ExpectError(account.CreateMessage(unknown, new NewMessage { Content = "x" }, null, rig.Timeout));
        var field = await ExpectError(listener.CreateThread(SandboxRig.General, new NewThread(new string('x', 101)), rig.Timeout));
        var forbidden = await ExpectError(account.CreateChannel(SandboxRig.Guild, new NewChannel("x"), rig.Timeout));
        rig.Discord.DemandVerification(DiscordSeeds.Accounts[0].Id);
        var unverified = await ExpectError(account.GetCurrentUser(rig.Timeout));
        rig.Discord.RevokeToken(DiscordSeeds.Accounts[0].Id);
        var revoked = await ExpectError(account.GetCurrentUser(rig.Timeout));

        Assert.True(DiscordErrorException.IsGuildFull(full));
        Assert.Equal(ErrorCode.UpstreamNotFound, gone.Code);
        Assert.Contains("name: ", field.Message, StringComparison.Ordinal);
        Assert.Equal(
            [ErrorCode.UpstreamInvalidRequest, ErrorCode.UpstreamForbidden, ErrorCode.UpstreamUnauthorized, ErrorCode.UpstreamUnauthorized],
            new[] { field, forbidden, unverified, revoked }.Select(error => error.Code));
        Assert.Contains("verified", unverified.Message, StringComparison.Ordinal);
    }

    private static Task<ClusterException> ExpectError(Task task) => Assert.ThrowsAsync<ClusterException>(() => task);
}
