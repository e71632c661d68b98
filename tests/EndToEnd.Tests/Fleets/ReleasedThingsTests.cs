namespace CozeCluster.EndToEnd.Tests.Fleets;

/// <summary>What a fleet file declares is read-only in the admin API until it is released.</summary>
public sealed class ReleasedThingsTests
{
    [Fact]
    public async Task A_bot_of_the_file_is_changed_after_its_release_and_is_the_files_again_after_its_deletion()
    {
        await using var node = await SandboxNode.StartWithOneModelAsync();
        using var admin = new AdminClient(node.Node.BaseUrl, TestFleet.AdminKey);

        var refused = await admin.Send("PATCH", "/bots/bot", $$"""{"bot_id": "{{Bots.Two}}"}""", "*");
        Assert.Equal(409, refused.Status);
        Assert.Contains("comes from the fleet file", refused.Body["detail"]!.GetValue<string>(), StringComparison.Ordinal);

        Assert.Equal("api", (await admin.Send("POST", "/bots/bot/release")).Body["origin"]!.GetValue<string>());
        await admin.Change("/bots/bot", $$"""{"bot_id": "{{Bots.Two}}"}""");
        await UntilRepliesAreOf(Bots.Two);

        Assert.Equal("file", (await admin.Send("DELETE", "/bots/bot", ifMatch: "*")).Body["origin"]!.GetValue<string>());
        await UntilRepliesAreOf(Bots.One);

        // Other processes of a cluster see a change within a second.
        async Task UntilRepliesAreOf(string bot)
        {
            while (true)
            {
                var request = node.NewRequest("");
                await request.CompleteAsync();
                if (request.Chat.BotId == bot) return;
                await Task.Delay(100, TestTimeout.Token);
            }
        }
    }
}
