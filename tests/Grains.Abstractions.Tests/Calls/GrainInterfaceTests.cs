using System.Reflection;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Rules for all grain interfaces, so that every call can be sent to another process and can be retried.</summary>
public sealed class GrainInterfaceTests
{
    private static readonly Type[] Awaitable = [typeof(Task), typeof(Task<>), typeof(ValueTask), typeof(ValueTask<>)];

    public static TheoryData<Type> Interfaces => [.. GrainCalls.Interfaces];

    public static TheoryData<Type, string> Methods => new(GrainCalls.Methods.Select(method => (method.DeclaringType!, method.Name)));

    public static TheoryData<Type, string> GrainMethods =>
        new(GrainCalls.Methods.Where(method => typeof(IGrain).IsAssignableFrom(method.DeclaringType)).Select(method => (method.DeclaringType!, method.Name)));

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_is_async_and_takes_at_most_one_cancellation_token(Type type, string name)
    {
        var method = type.GetMethod(name)!;
        var returned = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericTypeDefinition() : method.ReturnType;

        Assert.Contains(returned, Awaitable);
        Assert.InRange(method.GetParameters().Count(parameter => parameter.ParameterType == typeof(CancellationToken)), 0, 1);
        Assert.DoesNotContain(method.GetParameters(), parameter => parameter.ParameterType.IsByRef);
        Assert.False(method.IsGenericMethod);
    }

    /// <summary>
    /// Orleans identifies overloads by their parameter types. Without overloads, a change of a parameter type does not change the identity of a call.
    /// </summary>
    [Theory]
    [MemberData(nameof(Interfaces))]
    public void Methods_of_one_interface_have_different_names(Type type) =>
        Assert.Equal(type.GetMethods().Length, type.GetMethods().DistinctBy(method => method.Name).Count());

    /// <summary>
    /// Changes of the fleet expect a version. A repeated one would report that somebody else has made the change; so the caller learns that the outcome is not
    /// known, and reads the version.
    /// </summary>
    private static readonly string[] ExpectingAVersion = [nameof(ICatalogGrain.Change), nameof(ICatalogGrain.ImportDocument)];

    [Theory]
    [MemberData(nameof(GrainMethods))]
    public void Every_grain_method_is_idempotent(Type type, string name) =>
        Assert.NotEqual(type == typeof(ICatalogGrain) && ExpectingAVersion.Contains(name), type.GetMethod(name)!.IsDefined(typeof(IdempotentAttribute)));

    [Theory]
    [MemberData(nameof(Interfaces))]
    public void An_interface_has_an_alias(Type type) => Assert.True(type.IsDefined(typeof(AliasAttribute)));

    /// <summary>
    /// Without an alias, Orleans identifies a method by the full C# names of its interface and its parameter types. Then moving a type would break calls
    /// between versions.
    /// </summary>
    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_has_an_alias(Type type, string name) => Assert.True(type.GetMethod(name)!.IsDefined(typeof(AliasAttribute)));

    [Fact]
    public void Calls_are_identified_as_in_calls_txt() =>
        new GoldenFile("calls.txt").Verify([.. GrainCalls.Methods.Select(Describe).Order(StringComparer.Ordinal)]);

    [Theory]
    [MemberData(nameof(Methods))]
    public void Orleans_can_serialize_arguments_and_results(Type type, string name) => Assert.All(
        GrainCalls.MessageTypes(type.GetMethod(name)!), message => Assert.NotNull(Wire.Codecs.TryGetCodec(message)));

    [Fact]
    public void Every_message_type_has_a_serializer_and_an_alias() => Assert.All(GrainCalls.Messages, type =>
    {
        Assert.True(type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false), $"{type.Name} is sent between processes. Add [GenerateSerializer].");
        Assert.True(type.IsDefined(typeof(AliasAttribute), inherit: false), $"{type.Name} is sent between processes. Add [Alias].");
        var isImmutable = type.IsEnum || type.IsDefined(typeof(ImmutableAttribute), inherit: false);
        Assert.True(isImmutable, $"Orleans would copy {type.Name} for every call in the process. Add [Immutable].");
    });

    [Fact]
    public void No_other_type_has_a_serializer() => Assert.Equal(
        ContractAssembly.Value.GetExportedTypes().Where(type => type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false))
            .OrderBy(type => type.Name, StringComparer.Ordinal),
        GrainCalls.Messages);

    [Fact]
    public void Aliases_are_unique()
    {
        var types = ContractAssembly.Value.GetTypes();
        var aliases = types.Select(type => type.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias).OfType<string>().ToList();

        Assert.NotEmpty(aliases);
        Assert.Equal(aliases.Distinct(), aliases);
    }

    /// <summary>
    /// Orleans fails to read an unknown derived type. With a concrete base type, it would read the base type instead and lose the fields that follow.
    /// </summary>
    [Fact]
    public void Base_types_are_abstract()
    {
        var bases = GrainCalls.Messages.Select(type => type.BaseType!).Where(GrainCalls.Messages.Contains).Distinct().ToList();

        Assert.NotEmpty(bases);
        Assert.All(bases, type => Assert.True(type.IsAbstract, $"{type.Name} is not abstract."));
    }

    /// <summary>
    /// What identifies a call between processes: the aliases of the interface and the method, the types of the arguments, and the type of the result.
    /// </summary>
    private static string Describe(MethodInfo method)
    {
        var alias = method.GetCustomAttribute<AliasAttribute>()?.Alias;
        var arguments = string.Join(", ", method.GetParameters().Select(parameter => Name(parameter.ParameterType)));
        return $"{Name(method.DeclaringType!)}.{alias}({arguments}): {Name(method.ReturnType)}";
    }

    private static string Name(Type type) => type.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias
        ?? (type.HasElementType ? Name(type.GetElementType()!) + "[]"
            : type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GenericTypeArguments.Select(Name))}>"
            : type.Name);
}
