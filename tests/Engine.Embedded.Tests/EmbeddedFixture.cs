using CozeCluster.Engine.Contract;
using CozeCluster.Engine.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Embedded.Tests;

/// <summary>The embedded engine under the contract suite.</summary>
public class EmbeddedFixture : EngineFixture
{
    private TestEngine? _engine;

    public override IGrains Grains => Engine.Grains;

    protected virtual ClusterLikeOptions? ClusterLike => null;

    private TestEngine Engine => _engine ?? throw new InvalidOperationException("Not started.");

    public override async Task StartAsync() =>
        _engine = await TestEngine.StartAsync(ContractGrains.Definitions, services => services.AddSingleton(Probe), ClusterLike);

    public override Task RestartAsync() => Engine.RestartAsync();

    public override Task PassAsync(TimeSpan time)
    {
        Engine.Time.Advance(time);
        return Task.CompletedTask;
    }

    public override Task CollectIdleAsync() => Engine.CollectIdleAsync();

    public override async Task OverwriteAsync(string kind, string key)
    {
        var builder = new SqliteConnectionStringBuilder { DataSource = Path.Combine(Engine.Directory, Schema.FileName), Pooling = false };
        await using var connection = new SqliteConnection(builder.ToString());
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "UPDATE grain_state SET version = version + 1 WHERE kind = $kind AND key = $key";
        command.Parameters.AddWithValue("$kind", kind);
        command.Parameters.AddWithValue("$key", key);
        Assert.Equal(1, command.ExecuteNonQuery());
    }

    public override async ValueTask DisposeAsync()
    {
        if (_engine is not null) await _engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The same with every message going through the wire serializer.</summary>
public sealed class WireFixture : EmbeddedFixture
{
    protected override ClusterLikeOptions ClusterLike { get; } = new();
}
