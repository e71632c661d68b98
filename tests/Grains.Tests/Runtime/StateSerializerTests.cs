using System.Text.Json.Serialization;
using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace CozeCluster.Grains.Tests.Runtime;

public sealed partial class StateSerializerTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    private readonly StateSerializer _serializer = new(SampleJson.Default);

    [Fact]
    public void Serialize_WritesWebJsonWithoutTypeNamesAndNulls() => Assert.Equal(
        """{"name":"保存","level":"High","count":0,"isOpen":true}""",
        _serializer.Serialize(new Sample { Name = "保存", Level = Level.High }).ToString().Replace("\\u4FDD\\u5B58", "保存", StringComparison.Ordinal));

    [Fact]
    public void Deserialize_MissingProperty_IsTheDefaultOfItsDeclaration()
    {
        var sample = _serializer.Deserialize<Sample>(BinaryData.FromString("""{"name":"x","unknown":1}"""));

        Assert.Equal(("x", Level.Low, 0, true), (sample.Name, sample.Level, sample.Count, sample.IsOpen));
    }

    [Fact]
    public void Serialize_ThenDeserialize_ReturnsTheSame()
    {
        var sample = new Sample { Name = "保存 😀", Level = Level.High, Count = 3, IsOpen = false };

        Assert.Equal(sample, _serializer.Deserialize<Sample>(_serializer.Serialize(sample)));
    }

    [Fact]
    public void Serialize_UnknownType_Throws() => Assert.Throws<NotSupportedException>(() => _serializer.Serialize(new StoredState()));

    /// <summary>Orleans registers a serializer whose JSON contains type names.</summary>
    [Fact(Timeout = Hang)]
    public async Task A_silo_uses_StateSerializer()
    {
        await using var silo = await TestSilo.StartAsync();

        Assert.IsType<StateSerializer>(silo.Services.GetRequiredService<IGrainStorageSerializer>());
    }

    /// <summary>The call is idempotent, but a retry could not succeed.</summary>
    [Fact(Timeout = Hang)]
    public async Task An_unreadable_state_fails_calls_of_its_grain_at_once()
    {
        await Fixture.Corrupt(Key);

        var error = await Assert.ThrowsAsync<ClusterException>(Get<IStoringGrain>().Get);

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.Contains("cannot be read", error.Message, StringComparison.Ordinal);
        Assert.Contains(Key, error.Message, StringComparison.Ordinal);
        Assert.Single(Fixture.Sent.Attempts(Get<IStoringGrain>(), nameof(IStoringGrain.Get)));
        Assert.Null(await Get<IStoringGrain>(NewKey()).Get());
    }

    public enum Level
    {
        Low,
        High,
    }

    public sealed record Sample
    {
        public string? Name { get; set; }

        public string? Title { get; set; }

        public Level Level { get; set; }

        public int Count { get; set; }

        public bool? IsOpen { get; set; } = true;
    }

    [JsonSourceGenerationOptions(UseStringEnumConverter = true)]
    [JsonSerializable(typeof(Sample))]
    private sealed partial class SampleJson : JsonSerializerContext;
}
