using System.Reflection;
using CozeCluster.Grains.Abstractions.Tests.Messages;

namespace CozeCluster.Grains.Abstractions.Tests.Grains;

/// <summary>What every grain interface keeps to, so that any call may cross a process and be sent again.</summary>
public sealed class GrainInterfaceTests
{
    private static readonly Type[] Awaitable = [typeof(Task), typeof(Task<>), typeof(ValueTask), typeof(ValueTask<>)];

    public static TheoryData<Type> Interfaces => [.. Calls.Interfaces];

    public static TheoryData<Type, string> Methods => new(Calls.Methods.Select(method => (method.DeclaringType!, method.Name)));

    public static TheoryData<Type, string> GrainMethods =>
        new(Calls.Methods.Where(method => typeof(IGrain).IsAssignableFrom(method.DeclaringType)).Select(method => (method.DeclaringType!, method.Name)));

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

    /// <summary>Orleans identifies an overload by its parameter types, so one name for each method keeps the identity of a call plain.</summary>
    [Theory]
    [MemberData(nameof(Interfaces))]
    public void Methods_of_one_interface_have_different_names(Type type) =>
        Assert.Equal(type.GetMethods().Length, type.GetMethods().DistinctBy(method => method.Name).Count());

    [Theory]
    [MemberData(nameof(GrainMethods))]
    public void Every_method_may_be_called_again_when_its_answer_was_lost(Type type, string name) =>
        Assert.True(type.GetMethod(name)!.IsDefined(typeof(IdempotentAttribute)));

    [Theory]
    [MemberData(nameof(Interfaces))]
    public void An_interface_has_a_name_that_does_not_depend_on_its_type(Type type) => Assert.True(type.IsDefined(typeof(AliasAttribute)));

    /// <summary>Without an alias, Orleans identifies a method by the full C# names of its interface and its parameter types, so that moving a type would change the wire.</summary>
    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_has_a_name_that_does_not_depend_on_its_types(Type type, string name) => Assert.True(type.GetMethod(name)!.IsDefined(typeof(AliasAttribute)));

    [Fact]
    public void Methods_are_called_as_calls_txt_shows() => new Golden("calls.txt").Verify([.. Calls.Methods.Select(Describe).Order(StringComparer.Ordinal)]);

    [Theory]
    [MemberData(nameof(Methods))]
    public void Orleans_writes_what_a_method_takes_and_returns(Type type, string name) => Assert.All(
        Calls.Carried(type.GetMethod(name)!), carried => Assert.NotNull(Wire.Codecs.TryGetCodec(carried)));

    [Fact]
    public void Every_type_that_a_call_carries_has_a_serializer_and_an_alias() => Assert.All(Calls.Messages, type =>
    {
        Assert.True(type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false), $"{type.Name} crosses processes: give it [GenerateSerializer, Immutable, Alias].");
        Assert.True(type.IsDefined(typeof(AliasAttribute), inherit: false), $"{type.Name} crosses processes: give it [Alias].");
        Assert.True(type.IsEnum || type.IsDefined(typeof(ImmutableAttribute), inherit: false), $"{type.Name} would be copied at every call in the process: give it [Immutable].");
    });

    [Fact]
    public void No_other_type_claims_to_cross_processes() => Assert.Equal(
        ContractAssembly.Value.GetExportedTypes().Where(type => type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false))
            .OrderBy(type => type.Name, StringComparer.Ordinal),
        Calls.Messages);

    [Fact]
    public void Aliases_are_unique()
    {
        var aliases = ContractAssembly.Value.GetTypes().Select(type => type.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias).OfType<string>().ToList();

        Assert.NotEmpty(aliases);
        Assert.Equal(aliases.Distinct(), aliases);
    }

    /// <summary>Orleans fails to read a derived type that it does not know; under a concrete base it would read the base and lose the fields that follow.</summary>
    [Fact]
    public void Types_that_others_derive_from_are_abstract()
    {
        var bases = Calls.Messages.Select(type => type.BaseType!).Where(Calls.Messages.Contains).Distinct().ToList();

        Assert.NotEmpty(bases);
        Assert.All(bases, type => Assert.True(type.IsAbstract, $"{type.Name} is not abstract."));
    }

    /// <summary>What identifies a call on the wire: aliases of the interface and the method, then the types of the arguments by position, and the type of the result.</summary>
    private static string Describe(MethodInfo method) =>
        $"{Name(method.DeclaringType!)}.{method.GetCustomAttribute<AliasAttribute>()?.Alias}({string.Join(", ", method.GetParameters().Select(parameter => Name(parameter.ParameterType)))}): {Name(method.ReturnType)}";

    private static string Name(Type type) => type.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias
        ?? (type.HasElementType ? Name(type.GetElementType()!) + "[]"
            : type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GenericTypeArguments.Select(Name))}>"
            : type.Name);
}
