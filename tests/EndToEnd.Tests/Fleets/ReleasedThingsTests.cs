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
        var second = node.NewRequest("");
        await second.CompleteAsync();
        Assert.Equal(Bots.Two, second.Chat.BotId);

        Assert.Equal("file", (await admin.Send("DELETE", "/bots/bot", ifMatch: "*")).Body["origin"]!.GetValue<string>());
        var third = node.NewRequest("");
        await third.CompleteAsync();
        Assert.Equal(Bots.One, third.Chat.BotId);
    }
}
