using System.Buffers;
using System.Reflection;
using System.Text;
using Orleans.Serialization.Buffers;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>
/// Tests the binary form of messages between processes. <c>wire.txt</c> contains the bytes of each message, and the names and numbers of each enum, by alias.
/// Processes of consecutive versions run in one cluster, so each must read the messages of the other.
/// </summary>
public sealed class WireTests
{
    private static readonly GoldenFile Expected = new("wire.txt");

    public static TheoryData<Type> Messages => [.. GrainCalls.Messages.Where(type => type is { IsAbstract: false, IsEnum: false })];

    public static TheoryData<Type> Classes => [.. GrainCalls.Messages.Where(type => type is { IsAbstract: false, IsClass: true })];

    public static TheoryData<Type> WithDefaults =>
        [.. GrainCalls.Messages.Where(type => type is { IsAbstract: false, IsEnum: false } && (Samples.Optional(type).Any() || Defaults(type).Any()))];

    [Fact]
    public void Messages_are_written_as_in_wire_txt() =>
        Expected.Verify(
        [
            .. GrainCalls.Messages.Where(type => !type.IsAbstract).OrderBy(Alias, StringComparer.Ordinal).Select(type => $"{Alias(type)}: {Describe(type)}"),
        ]);

    [Theory]
    [MemberData(nameof(Messages))]
    public void The_bytes_in_wire_txt_are_read(Type type)
    {
        var prefix = Alias(type) + ": ";
        var line = Assert.Single(Expected.Lines, line => line.StartsWith(prefix, StringComparison.Ordinal));

        Same.Assert(Samples.Full(type), Wire.Read(Convert.FromBase64String(line[prefix.Length..])), type.Name);
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_without_optional_values_survives_a_round_trip(Type type)
    {
        var sent = Samples.Bare(type);

        Same.Assert(sent, Wire.Read(Wire.Write(sent)), type.Name);
    }

    /// <summary>Types may be renamed and moved; aliases must not change.</summary>
    [Theory]
    [MemberData(nameof(Messages))]
    public void Bytes_contain_aliases_instead_of_type_names(Type type) =>
        Assert.DoesNotContain(nameof(CozeCluster), Encoding.Latin1.GetString(Wire.Write(Samples.Full(type))), StringComparison.Ordinal);

    /// <summary>Newer processes write fields that this process does not know.</summary>
    [Theory]
    [MemberData(nameof(Messages))]
    public void An_unknown_field_is_skipped(Type type)
    {
        var sent = Samples.Full(type);
        var bytes = Wire.Write(sent);
        // Inserts an unknown field before the end of the message: its id is 6 higher than the last one, and its value is the variable-length integer 1.
        byte[] longer = [.. bytes[..^1], 0x06, 0x03, bytes[^1]];

        Same.Assert(sent, Wire.Read(longer), type.Name);
    }

    /// <summary>Older processes do not write newer fields. Orleans leaves such fields as the parameterless constructor set them.</summary>
    [Theory]
    [MemberData(nameof(WithDefaults))]
    public void A_missing_field_has_its_default(Type type)
    {
        var read = Wire.Read(Empty(type));

        var bare = Samples.Bare(type);
        foreach (var property in Samples.Optional(type)) Same.Assert(property.GetValue(bare), property.GetValue(read), $"{type.Name}.{property.Name}");
        foreach (var parameter in Defaults(type))
        {
            var expected = parameter.DefaultValue ?? Zero(parameter.ParameterType);
            Same.Assert(expected, type.GetProperty(parameter.Name!)!.GetValue(read), $"{type.Name}.{parameter.Name}");
        }
    }

    [Fact]
    public void A_missing_field_keeps_a_default_other_than_that_of_its_type() =>
        Assert.True(((TenantDefinition)Wire.Read(Empty(typeof(TenantDefinition)))).StoreConversations);

    /// <summary>Within one process, messages are passed by reference.</summary>
    [Theory]
    [MemberData(nameof(Classes))]
    public void A_message_is_not_copied_inside_a_process(Type type)
    {
        var sent = Samples.Full(type);

        Assert.Same(sent, Wire.Copier.Copy(sent));
    }

    private static IEnumerable<ParameterInfo> Defaults(Type type) => Samples.Constructor(type).GetParameters().Where(parameter => parameter.HasDefaultValue);

    private static string Alias(Type type) => type.GetCustomAttribute<AliasAttribute>(inherit: false)!.Alias;

    private static string Describe(Type type) => type.IsEnum
        ? string.Join(' ', Enum.GetValues(type).Cast<object>().Select(value => $"{value}={(int)value}"))
        : Convert.ToBase64String(Wire.Write(Samples.Full(type)));

    private static object? Zero(Type type) => type.IsValueType ? Activator.CreateInstance(type) : null;

    /// <summary>The bytes of a message without any field.</summary>
    private static byte[] Empty(Type type)
    {
        using var session = Wire.Sessions.GetSession();
        var bytes = new ArrayBufferWriter<byte>();
        var writer = Writer.Create(bytes, session);
        writer.WriteStartObject(0, typeof(object), type);
        // A base record has two ends: one for its parameters and one for its other properties.
        for (var parent = type.BaseType; GrainCalls.Messages.Contains(parent); parent = parent!.BaseType)
        {
            writer.WriteEndBase();
            writer.WriteEndBase();
        }
        writer.WriteEndObject();
        writer.Commit();
        return bytes.WrittenSpan.ToArray();
    }
}
