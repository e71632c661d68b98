using System.Buffers;
using System.Reflection;
using System.Text;
using CozeCluster.Grains.Abstractions.Tests.Grains;
using Orleans.Serialization.Buffers;

namespace CozeCluster.Grains.Abstractions.Tests.Messages;

/// <summary>
/// How messages cross processes. <c>wire.txt</c> pins the bytes of each message, and the names and numbers of each enum, under its alias: processes of neighbouring versions run
/// together, and each reads what the other writes.
/// </summary>
public sealed class WireTests
{
    private static readonly Golden Pinned = new("wire.txt");

    public static TheoryData<Type> Messages => [.. Calls.Messages.Where(type => type is { IsAbstract: false, IsEnum: false })];

    public static TheoryData<Type> Classes => [.. Calls.Messages.Where(type => type is { IsAbstract: false, IsClass: true })];

    public static TheoryData<Type> WithDefaults =>
        [.. Calls.Messages.Where(type => type is { IsAbstract: false, IsEnum: false } && (Samples.Optional(type).Any() || Defaults(type).Any()))];

    [Fact]
    public void Messages_are_written_as_wire_txt_shows() =>
        Pinned.Verify([.. Calls.Messages.Where(type => !type.IsAbstract).OrderBy(Alias, StringComparer.Ordinal).Select(type => $"{Alias(type)}: {Describe(type)}")]);

    [Theory]
    [MemberData(nameof(Messages))]
    public void What_wire_txt_shows_is_read(Type type)
    {
        var prefix = Alias(type) + ": ";
        var line = Assert.Single(Pinned.Lines, line => line.StartsWith(prefix, StringComparison.Ordinal));

        Same.Assert(Samples.Full(type), Wire.Read(Convert.FromBase64String(line[prefix.Length..])), type.Name);
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_with_nothing_optional_is_read_as_it_was_written(Type type)
    {
        var sent = Samples.Bare(type);

        Same.Assert(sent, Wire.Read(Wire.Write(sent)), type.Name);
    }

    /// <summary>Types may be renamed and moved, aliases may not.</summary>
    [Theory]
    [MemberData(nameof(Messages))]
    public void Bytes_name_types_by_alias_only(Type type) =>
        Assert.DoesNotContain(nameof(CozeCluster), Encoding.Latin1.GetString(Wire.Write(Samples.Full(type))), StringComparison.Ordinal);

    /// <summary>Newer processes write fields that this one does not know.</summary>
    [Theory]
    [MemberData(nameof(Messages))]
    public void A_field_that_is_not_known_is_skipped(Type type)
    {
        var sent = Samples.Full(type);
        var bytes = Wire.Write(sent);
        // Just before the mark that ends the message: the field with the sixth number after the last one, a variable-length integer, 1.
        byte[] longer = [.. bytes[..^1], 0x06, 0x03, bytes[^1]];

        Same.Assert(sent, Wire.Read(longer), type.Name);
    }

    /// <summary>Older processes do not write the fields that were added since. Orleans leaves them as the parameterless constructor made them.</summary>
    [Theory]
    [MemberData(nameof(WithDefaults))]
    public void A_field_that_is_missing_has_its_default(Type type)
    {
        var read = Wire.Read(Empty(type));

        var bare = Samples.Bare(type);
        foreach (var property in Samples.Optional(type)) Same.Assert(property.GetValue(bare), property.GetValue(read), $"{type.Name}.{property.Name}");
        foreach (var parameter in Defaults(type))
        {
            Same.Assert(parameter.DefaultValue ?? Zero(parameter.ParameterType), type.GetProperty(parameter.Name!)!.GetValue(read), $"{type.Name}.{parameter.Name}");
        }
    }

    [Fact]
    public void A_default_that_is_not_that_of_its_type_is_kept() => Assert.True(((TenantDefinition)Wire.Read(Empty(typeof(TenantDefinition)))).StoreConversations);

    /// <summary>In one process a message is handed over, not copied.</summary>
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

    /// <summary>A message without any field.</summary>
    private static byte[] Empty(Type type)
    {
        using var session = Wire.Sessions.GetSession();
        var bytes = new ArrayBufferWriter<byte>();
        var writer = Writer.Create(bytes, session);
        writer.WriteStartObject(0, typeof(object), type);
        // A base record ends twice: its parameters, and its other properties.
        for (var parent = type.BaseType; Calls.Messages.Contains(parent); parent = parent!.BaseType)
        {
            writer.WriteEndBase();
            writer.WriteEndBase();
        }

        writer.WriteEndObject();
        writer.Commit();
        return bytes.WrittenSpan.ToArray();
    }
}
