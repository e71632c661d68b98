using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Serialization.Session;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Orleans' serializer, as all silos and clients use it.</summary>
internal static class Wire
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    public static Serializer Serializer { get; } = Services.GetRequiredService<Serializer>();

    public static SerializerSessionPool Sessions { get; } = Services.GetRequiredService<SerializerSessionPool>();

    public static ICodecProvider Codecs { get; } = Services.GetRequiredService<ICodecProvider>();

    public static DeepCopier Copier { get; } = Services.GetRequiredService<DeepCopier>();

    /// <summary>The bytes of a message, with its type.</summary>
    public static byte[] Write(object message) => Serializer.SerializeToArray(message);

    public static object Read(byte[] bytes) => Serializer.Deserialize<object>(bytes)!;

    public static T RoundTrip<T>(T message) => Serializer.Deserialize<T>(Serializer.SerializeToArray(message))!;
}
