using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>The options of an endpoint are those of its mode.</summary>
public sealed class CompatOptionsTests
{
    [Fact]
    public void Options_of_every_kind_are_read()
    {
        var result = Read(
            "cdb",
            "flatten: 3, prefix: 下面是一段聊天记录, suffix: S, default_conversation: default, default_model: helper, image_conversation: default, "
            + "image_prefix: Draw, image_suffix: S, stream_end: done, keepalive_conversation: k, keepalive_message: k, keepalive_minutes: 720");

        Assert.Empty(result.Problems);
        var options = Assert.Single(result.File!.Endpoints).Options;
        Assert.Equal(CompatOptions.NamesOf(CompatMode.Cdb).Order(), options.Keys.Order());
        Assert.Equal(("3", "下面是一段聊天记录", "done"), (options["flatten"], options["prefix"], options["stream_end"]));
    }

    [Theory]
    [InlineData("cdb", "flatten: 4", "one of 0, 1, 2, 3")]
    [InlineData("cdb", "stream_end: both ends", "one of both, done, prompt")]
    [InlineData("cdb", "keepalive_minutes: 0", "a whole number from 1 to 43200")]
    [InlineData("cdb", "flaten: 3", "Did you mean 'flatten'?")]
    [InlineData("ccp", "history_bytes: -1", "a whole number from 0")]
    [InlineData("ccp", "flatten: 3", "flatten")]
    public void Wrong_options_are_reported(string mode, string options, string expected) =>
        Assert.Contains(expected, Assert.Single(Read(mode, options).Problems).Message, StringComparison.Ordinal);

    private static FleetResult Read(string mode, string options) => new FleetReader(new EnvironmentValues(_ => null)).Read(
        $$"""
        tenants: [{ id: me, keys: [{ name: laptop, key: 6f1d0b5c9a7e42d8b3a1c4e7f90256ab }] }]
        accounts: [{ id: coze, upstream: coze, token: pat_1 }]
        bots: [{ id: helper, upstream: coze, bot_id: 1, accounts: [coze] }]
        models: [{ id: helper, bots: [helper] }]
        endpoints:
          - { id: old, port: 8092, compat: {{mode}}, options: { {{options}} } }
        """, "/");
}
